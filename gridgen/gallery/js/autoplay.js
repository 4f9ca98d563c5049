import { make, mark, wantsStill } from "./dom.js";
import { shelf } from "./local_ratings.js";

/**
 * @typedef {import("./state.js").ViewState} ViewState
 */

const WISH = "gridgen/autoplay";
/** @type {WeakSet<ViewState>} those that have begun once: what the person stops, stays stopped */
const begun = new WeakSet();

/** Lets the wall play, silently, once there is something to play; a switch that the browser remembers. */
export class Autoplay {
  #state;
  #on = true;
  element = make("button", { class: "gg-button gg-word", type: "button", title: "Play by itself when clips are there", "aria-label": "Play by itself", text: "Auto" });

  /**
   * @param {ViewState} state
   * @param {AbortSignal} signal
   */
  constructor(state, signal) {
    this.#state = state;
    try {
      this.#on = shelf()?.getItem(WISH) !== "no";
    } catch {
      // a browser that keeps nothing has kept no wish against it
    }
    this.element.addEventListener("click", () => this.#turn(), { signal });
    this.#draw();
  }

  /** Begin, if that is wanted and has not been done. */
  begin() {
    if (begun.has(this.#state)) return;
    begun.add(this.#state);
    if (this.#on && !wantsStill()) this.#state.set({ playing: true });
  }

  #turn() {
    this.#on = !this.#on;
    try {
      shelf()?.setItem(WISH, this.#on ? "yes" : "no");
    } catch {
      // it holds for this visit
    }
    this.#draw();
  }

  #draw() {
    mark(this.element, "aria-pressed", String(this.#on));
  }
}
