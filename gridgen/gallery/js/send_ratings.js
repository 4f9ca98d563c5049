import { icon, make, mark, write } from "./dom.js";
import { CROSS_OUT } from "./rating_strip.js";

/**
 * @typedef {import("./local_ratings.js").LocalRatings} LocalRatings
 */

const DOWN = "M8 2.5 V10 M4.8 7 8 10.2 11.2 7 M3 13.2 H13";
/** Characters of a mailto link that mail programs take; a longer one loses its end, or does nothing. */
const LONGEST_LINK = 1900;

/** The reviewer's name on a page without a kernel, and the button that makes the file to send back. */
export class Sender {
  #book;
  #name = /** @type {HTMLInputElement} */ (make("input", { class: "gg-text gg-reviewer", dir: "auto", type: "text", placeholder: "your name", maxlength: 60, autocomplete: "name", "aria-label": "Your name, which goes with your ratings" }));
  #words = make("span");
  #save = make("button", { class: "gg-save", type: "button", title: "Download your ratings as a small file, to send back" }, icon(DOWN), this.#words);
  #after;
  element = make("span", { class: "gg-sender" }, this.#name, this.#save);

  /**
   * @param {LocalRatings} book
   * @param {AbortSignal} signal
   */
  constructor(book, signal) {
    this.#book = book;
    this.#after = new AfterDownload(signal);
    this.element.append(this.#after.element);
    this.#name.value = book.reviewer;
    this.#name.addEventListener("change", () => book.sign(this.#name.value), { signal });
    this.#save.addEventListener("click", () => this.#download(), { signal });
    book.subscribe(() => this.draw(), signal);
    this.draw();
  }

  /** Draw it as the book now is. */
  draw() {
    const { size, lasting, reviewer } = this.#book;
    // another tab may have been told the name
    if (reviewer && !this.#name.matches(":focus")) this.#name.value = reviewer;
    write(this.#words, size ? `Download ratings (${size})` : "Download ratings");
    this.#save.toggleAttribute("disabled", size === 0);
    mark(this.element, "data-fleeting", lasting ? null : "");
    mark(this.element, "title", lasting ? null : "This browser keeps nothing for this page: download before you leave it.");
  }

  #download() {
    this.#book.sign(this.#name.value);
    const url = URL.createObjectURL(new Blob([this.#book.file], { type: "application/json" }));
    make("a", { href: url, download: this.#book.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    this.#after.show(this.#book);
  }
}

/** What to do with the file; and its text, since a viewer may forbid the download and say nothing. */
class AfterDownload {
  #what = make("p");
  #text = /** @type {HTMLTextAreaElement} */ (make("textarea", { class: "gg-text gg-as-text", rows: 5, readonly: true, spellcheck: "false", "aria-label": "Your ratings as text" }));
  #copy = make("button", { class: "gg-save", type: "button", text: "Copy the text" });
  #said = make("span", { class: "gg-copied", role: "status" });
  element = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-after", "aria-label": "Your ratings" }));

  /** @param {AbortSignal} signal */
  constructor(signal) {
    const options = { signal };
    const close = make("button", { class: "gg-button gg-close", type: "button", "aria-label": "Close (Esc)", title: "Close (Esc)" }, icon(CROSS_OUT));
    const otherwise = make("p", { text: "No file came? Some viewers forbid it. Copy this text instead and send it as a message:" });
    this.element.append(make("div", { class: "gg-after-head" }, make("h3", { text: "Your ratings" }), close), this.#what, otherwise, this.#text, make("p", {}, this.#copy, this.#said));
    close.addEventListener("click", () => this.element.close(), options);
    this.#copy.addEventListener("click", () => this.#copied(), options);
    this.#text.addEventListener("focus", () => this.#text.select(), options);
    this.element.addEventListener("click", ({ target }) => target === this.element && this.element.close(), options);
    // keys that mean something on the wall mean nothing here
    this.element.addEventListener("keydown", (event) => event.key === "Escape" || event.stopPropagation(), options);
  }

  /** @param {LocalRatings} book whose file was made */
  show(book) {
    const { to } = book;
    const file = make("b", { text: book.name, dir: "auto" });
    const saved = ["Your browser saves them as ", file, " among its downloads. Send that file "];
    if (!to) this.#what.replaceChildren(...saved, "back to who sent you this page.");
    else this.#what.replaceChildren(...saved, "to ", linkTo(to, book), ".");
    this.#text.value = book.text;
    write(this.#said, "");
    if (!this.element.open) this.element.showModal();
  }

  async #copied() {
    const said = await copy(this.#text);
    write(this.#said, said ? "Copied." : "It is selected: copy it with your keyboard or a long press.");
  }
}

/**
 * @param {string} to an email address or an https address
 * @param {LocalRatings} book
 * @returns {HTMLElement}
 */
function linkTo(to, book) {
  if (to.startsWith("https:")) return make("a", { href: to, target: "_blank", rel: "noopener noreferrer", text: to, dir: "ltr" });
  return make("a", { href: mailto(to, book), text: to, dir: "ltr" });
}

/**
 * @param {string} to an email address
 * @param {{text: string, name: string, sweep: string}} book
 * @returns {string} a link that begins a mail, with the ratings in it where they are short enough
 */
export function mailto(to, { text, name, sweep }) {
  const link = (/** @type {string} */ body) => `mailto:${to.split("@").map(encodeURIComponent).join("@")}?subject=${encodeURIComponent(`Ratings of ${sweep}`)}&body=${encodeURIComponent(body)}`;
  const whole = link(`My ratings:\n\n${text}\n`);
  return whole.length <= LONGEST_LINK ? whole : link(`My ratings are in the file ${name}, which I attach to this mail.\n`);
}

/** @param {HTMLTextAreaElement} area @returns {Promise<boolean>} whether its text is on the clipboard */
async function copy(area) {
  area.focus();
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
    return true;
  } catch {
    // a frame that may not write to the clipboard may still copy what is selected
    return document.execCommand("copy");
  }
}
