import { icon, make, mark, write } from "./dom.js";

/**
 * @typedef {import("./clock.js").StepClock} StepClock
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./state.js").ViewState} ViewState
 */

const PLAY = "M5 3 12.5 8 5 13 Z";
const PAUSE_BARS = "M5 3 V13 M11 3 V13";

/** The bar that moves all clips: play, position. */
export class Transport {
  #state;
  #clock;
  #switch = make("button", { class: "gg-switch", type: "button" }, icon(PLAY), icon(PAUSE_BARS));
  #scrub = /** @type {HTMLInputElement} */ (
    make("input", { class: "gg-scrub", type: "range", min: 0, max: 1000, value: 0, "aria-label": "Position" })
  );
  #position = make("span", { class: "gg-position" });
  element = make("div", { class: "gg-transport" }, this.#switch, this.#scrub, this.#position);

  /**
   * @param {ViewState} state
   * @param {StepClock} clock
   * @param {(position: number) => void} seek told where a person put the position, in seconds
   * @param {AbortSignal} signal
   */
  constructor(state, clock, seek, signal) {
    this.#state = state;
    this.#clock = clock;
    this.#scrub.addEventListener("input", () => seek((Number(this.#scrub.value) / 1000) * clock.length), { signal });
    this.#switch.addEventListener("click", () => this.toggle("playing"), { signal });
  }

  /** @param {Keys} keys */
  bind(keys) {
    const elsewhere = (/** @type {KeyboardEvent} */ { target }) => target !== this.#switch;
    keys.add(
      { keys: [" "], scope: "wall", does: "play or pause all", when: elsewhere, act: () => this.toggle("playing") },
      { keys: ["l"], scope: "wall", does: "loop", act: () => this.toggle("loop") },
      { keys: ["m"], scope: "wall", does: "sound of the open clip", act: () => this.toggle("muted") },
    );
  }

  /** @param {"playing" | "loop" | "muted"} name */
  toggle(name) {
    this.#state.set({ [name]: !this.#state.now[name] });
  }

  /** @param {number} now milliseconds */
  draw(now) {
    const { length, playing } = this.#clock;
    const share = length ? this.#clock.at(now) / length : 0;
    this.#scrub.value = String(Math.round(share * 1000));
    this.#scrub.disabled = length === 0;
    this.#scrub.style.setProperty("--gg-at", share.toFixed(3));
    write(this.#position, length ? `${(share * length).toFixed(1)} / ${length.toFixed(1)} s` : "");
    mark(this.#switch, "aria-label", playing ? "Pause all" : "Play all");
  }
}
