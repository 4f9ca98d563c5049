import { make, mark, write } from "./dom.js";
import { LONGEST_NOTE, readLine } from "./judging.js";
import { addMoment, spellMoment } from "./moments.js";
import { pop } from "./tooltip.js";

/**
 * @typedef {import("./judging.js").Judging} Judging
 */

/** A small field in which a person notes something of a clip at a moment. */
export class MomentField {
  #judging;
  #id = -1;
  #at = 0;
  /** @type {Element | null} what had the focus before */
  #before = null;
  #moment = make("b", { class: "gg-moment-at" });
  #text = /** @type {HTMLInputElement} */ (make("input", { class: "gg-text gg-moment-text", type: "text", dir: "auto", autocomplete: "off" }));
  element = make("div", { class: "gg-moment", popover: "manual", role: "group", "aria-label": "Note at a moment" }, this.#moment, this.#text);

  /**
   * @param {Judging} judging
   * @param {AbortSignal} signal
   */
  constructor(judging, signal) {
    this.#judging = judging;
    this.#text.addEventListener("keydown", (event) => this.#key(event), { signal });
    // what was written is kept where the person turns to something else on the page, not where the page itself is left for a while
    this.#text.addEventListener("focusout", () => document.hasFocus() && this.#close(true), { signal });
  }

  /**
   * @param {number} id of the clip
   * @param {number} at seconds into it
   * @param {Element} anchor what shows it
   * @param {Element} root where the field may stand, so that the focus can go there
   */
  open(id, at, anchor, root) {
    this.#close(true);
    this.#before = document.activeElement;
    [this.#id, this.#at] = [id, at];
    const room = LONGEST_NOTE + 1 - addMoment(this.#judging.of(id).note, { at, text: "x" }).length;
    write(this.#moment, spellMoment(at));
    this.#text.value = "";
    this.#text.maxLength = Math.max(room, 0);
    this.#text.placeholder = room > 0 ? "note … Enter keeps it" : "no room: its notes have 2,000 characters";
    mark(this.#text, "aria-label", `Note at ${spellMoment(at)}`);
    root.append(this.element);
    pop(this.element, anchor);
    this.#text.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#close(event.key === "Enter");
    if (this.#before instanceof HTMLElement && this.#before.isConnected) this.#before.focus({ preventScroll: true });
  }

  /** @param {boolean} keep what is written */
  #close(keep) {
    const id = this.#id;
    if (id < 0) return;
    this.#id = -1;
    const text = readLine(this.#text.value, LONGEST_NOTE);
    if (this.element.matches(":popover-open")) this.element.hidePopover();
    this.element.remove();
    if (keep && text) this.#judging.say(id, { note: addMoment(this.#judging.of(id).note, { at: this.#at, text }) });
  }
}
