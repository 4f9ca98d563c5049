import { make, mark, write } from "./dom.js";

let messages = 0;

/**
 * Say at each field of the form what is wrong with it, to eyes and to a screen reader.
 *
 * @param {Element} form
 * @param {Record<string, string>} wrong what is wrong, by the field's name
 */
export function markFields(form, wrong) {
  for (const field of form.querySelectorAll(".gg-field")) {
    const name = [...field.classList].find((each) => each.startsWith("gg-field-")) ?? "";
    markField(field, wrong[name.slice("gg-field-".length)] ?? "");
  }
}

/** @param {Element} field @param {string} text empty where nothing is wrong */
function markField(field, text) {
  const known = field.querySelector(":scope > .gg-wrong");
  if (!known && !text) return;
  const message = known ?? field.appendChild(make("span", { class: "gg-wrong", id: `gg-wrong-${(messages += 1)}` }));
  write(message, text);
  for (const input of field.querySelectorAll("input, textarea, select")) {
    mark(input, "aria-invalid", text ? "true" : null);
    mark(input, "aria-describedby", text ? message.id : null);
  }
}
