import { make } from "./dom.js";
import { nameOf } from "./tile.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./judging.js").Opinion} Opinion
 */

/** Milliseconds for which it is there, and again once pointer and focus have left it. */
const STAYS = 6000;

/** One quiet line that says what was just said of which clip, with a button that takes it back. */
export class Toast {
  #host;
  #back;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #going;
  #undo = make("button", { class: "gg-button", type: "button", title: "Take it back (U)", text: "Undo" });
  /** It is read aloud when it is filled, so that it must be there before. */
  element = make("div", { class: "gg-toast", role: "status", "aria-live": "polite", "aria-atomic": "true" });

  /**
   * @param {Host} host
   * @param {() => void} back takes the focus to the clip that it is about
   * @param {AbortSignal} signal
   */
  constructor(host, back, signal) {
    this.#host = host;
    this.#back = back;
    const { judging } = host;
    judging.onWord((id, said) => this.#say(id, said), signal);
    judging.subscribe(() => judging.message && this.clear(), signal);
    this.#undo.addEventListener("click", () => this.#take(), { signal });
    for (const type of ["pointerenter", "focusin"]) this.element.addEventListener(type, () => clearTimeout(this.#going), { signal });
    for (const type of ["pointerleave", "focusout"]) this.element.addEventListener(type, () => this.#wait(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#going));
  }

  clear() {
    clearTimeout(this.#going);
    if (this.element.contains(document.activeElement)) this.#back();
    this.element.replaceChildren();
  }

  /** @param {string} words to be shown for a while, with nothing to take back */
  tell(words) {
    this.element.replaceChildren(make("span", { class: "gg-toast-text", dir: "auto", text: words }));
    this.#wait();
  }

  /** @param {number} id @param {Partial<Opinion>} said */
  #say(id, said) {
    const { store } = this.#host;
    const tile = store.tiles.get(id);
    const text = make("span", { class: "gg-toast-text" }, `${inWords(said)}: `, make("bdi", { text: tile ? nameOf(store, tile) : "" }));
    this.element.replaceChildren(text, this.#undo);
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#going);
    if (!this.element.matches(":hover, :focus-within")) this.#going = setTimeout(() => this.clear(), STAYS);
  }

  #take() {
    this.#host.judging.undo();
    this.clear();
  }
}

/** @param {Partial<Opinion>} said @returns {string} */
function inWords({ stars, pick, tags, note }) {
  if (stars !== undefined) return stars === null ? "Stars taken back" : `${stars} ${stars === 1 ? "star" : "stars"}`;
  if (pick !== undefined) return pick === null ? "Pick taken back" : pick ? "Picked" : "Rejected";
  if (tags !== undefined) return tags.length ? `Tagged ${tags.join(", ")}` : "Tags taken back";
  return note ? "Noted" : "Note taken back";
}
