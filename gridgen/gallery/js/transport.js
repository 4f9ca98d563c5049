import { SPEEDS } from "./playback.js";
import { icon, make, mark, option, write } from "./dom.js";

/**
 * @typedef {import("./playback.js").Playback} Playback
 * @typedef {import("./keys.js").Keys} Keys
 */

const PLAY = "M5 3 12.5 8 5 13 Z";
const PAUSE_BARS = "M5 3.5 V12.5 M11 3.5 V12.5";
const BACK = "M10.5 4 6 8 10.5 12 M4 4 V12";
const ON = "M5.5 4 10 8 5.5 12 M12 4 V12";
const ROUND = "M12.6 6.2 A5 5 0 1 0 13 8.6 M13 3.4 V6.4 H10";
const SPEAKER = "M3 6 H5.2 L8.4 3.4 V12.6 L5.2 10 H3 Z";
const LOUD = "M10.6 5.8 A3 3 0 0 1 10.6 10.2 M12.4 4.2 A5.4 5.4 0 0 1 12.4 11.8";
const QUIET = "M11 6.4 14 9.6 M14 6.4 11 9.6";
const CLEAR = "M5 5 11 11 M11 5 5 11";
/** @type {[import("./state.js").Mode, string, string][]} */
const MODES = [
  ["time", "same time", "Every clip at the same second; shorter ones wait at their end"],
  ["percent", "same percent", "Every clip at the same part of its length, faster or slower than filmed"],
  ["shortest", "loop the shortest", "All begin again when the shortest ends"],
];

/** The bar that moves all clips: play, step, position, loop range, speed, mode, sound. */
export class Transport {
  #deck;
  #play = button("gg-play", "", icon(PLAY, "gg-if-still"), icon(PAUSE_BARS, "gg-if-playing"));
  #back = button("", "One frame back (,)", icon(BACK));
  #on = button("", "One frame on (.)", icon(ON));
  #from = button("gg-word", "Loop from here ([)", "A");
  #to = button("gg-word", "Loop up to here (])", "B");
  #clear = button("gg-clear", "Loop the whole length again (\\)", icon(CLEAR));
  #loop = button("gg-loop", "Begin again at the end (L)", icon(ROUND));
  #sound = button("gg-sound", "", icon(SPEAKER), icon(LOUD, "gg-if-loud"), icon(QUIET, "gg-if-quiet"));
  #speed = choice("Speed", SPEEDS.map((speed) => option(String(speed), `${speed}×`)));
  #mode = choice("How clips of unequal length keep step", MODES.map(([mode, says, title]) => option(mode, says, title)));
  #scrub = /** @type {HTMLInputElement} */ (
    make("input", { class: "gg-scrub", type: "range", min: 0, max: 1000, value: 0, "aria-label": "Position" })
  );
  #ticks = make("span", { class: "gg-ticks", "aria-hidden": "true" });
  #span = make("span", { class: "gg-span", "aria-hidden": "true" });
  #handles = [this.#handle("from"), this.#handle("to")];
  /** What else has a place on the length of the clips may be added to it. */
  track = make("div", { class: "gg-track" }, this.#span, this.#ticks, this.#scrub, ...this.#handles);
  #position = make("span", { class: "gg-position" });
  #ticked = "";
  element = make("div", { class: "gg-transport", role: "group", "aria-label": "Playing" });

  /**
   * @param {Playback} deck
   * @param {AbortSignal} signal
   */
  constructor(deck, signal) {
    this.#deck = deck;
    const moves = make("div", { class: "gg-moves" }, this.#back, this.#play, this.#on);
    const settings = make("div", { class: "gg-settings" }, this.#loop, this.#from, this.#to, this.#clear, this.#speed, this.#mode, this.#sound);
    this.element.append(moves, this.track, this.#position, settings);
    const on = (/** @type {HTMLElement} */ element, /** @type {() => void} */ act, type = "click") =>
      element.addEventListener(type, act, { signal });
    on(this.#play, () => deck.toggle("playing"));
    on(this.#back, () => deck.step(-1));
    on(this.#on, () => deck.step(1));
    on(this.#from, () => deck.limit("from"));
    on(this.#to, () => deck.limit("to"));
    on(this.#clear, () => deck.unlimit());
    on(this.#loop, () => deck.toggle("loop"));
    on(this.#sound, () => deck.toggle("muted"));
    on(this.#scrub, () => deck.seek((Number(this.#scrub.value) / 1000) * deck.clock.length), "input");
    on(this.#speed, () => deck.state.set({ speed: Number(this.#speed.value) }), "change");
    on(this.#mode, () => deck.state.set({ mode: /** @type {import("./state.js").Mode} */ (this.#mode.value) }), "change");
    for (const handle of this.#handles) this.#drag(handle, signal);
    deck.follow(() => this.draw(), signal);
    deck.state.subscribe(() => this.draw(), signal);
  }

  /**
   * @param {Keys} keys
   * @param {Playback} deck
   */
  static bind(keys, deck) {
    const elsewhere = (/** @type {import("./keys.js").Pressed} */ { target }) => !(target instanceof HTMLButtonElement || target instanceof HTMLSelectElement);
    keys.add(
      "Playing",
      { keys: [" "], does: "play or pause all", when: elsewhere, act: () => deck.toggle("playing") },
      { keys: [",", "."], does: "one frame back or on", act: ({ key }) => deck.step(key === "," ? -1 : 1) },
      { keys: ["<", ">"], does: "slower, faster", act: ({ key }) => deck.hasten(key === "<" ? -1 : 1) },
      { keys: ["[", "]"], does: "loop from here, up to here", act: ({ key }) => deck.limit(key === "[" ? "from" : "to") },
      { keys: ["\\"], does: "loop the whole length again", act: () => deck.unlimit() },
      { keys: ["l"], does: "begin again at the end, or stop there", act: () => deck.toggle("loop") },
      { keys: ["m"], does: "sound of one clip, or none", act: () => deck.toggle("muted") },
    );
  }

  /** Draw it as clock and state now are. */
  draw() {
    const { clock, state } = this.#deck;
    const { length, playing, from, to, partial } = clock;
    const { loop, muted, speed, mode } = state.now;
    const share = length ? clock.at(performance.now()) / length : 0;
    this.#scrub.value = String(Math.round(share * 1000));
    this.#scrub.disabled = length === 0;
    this.track.style.setProperty("--gg-at", share.toFixed(3));
    const text = `${(share * length).toFixed(1)} / ${length.toFixed(1)} s`;
    write(this.#position, length ? text : "");
    mark(this.#scrub, "aria-valuetext", length ? text : "nothing to play yet");
    mark(this.element, "data-playing", playing ? "" : null);
    mark(this.#play, "aria-label", playing ? "Pause all" : "Play all");
    mark(this.#play, "title", playing ? "Pause all (Space)" : "Play all (Space)");
    mark(this.#loop, "aria-pressed", String(loop));
    mark(this.#sound, "aria-pressed", String(!muted));
    mark(this.#sound, "aria-label", muted ? "Sound on" : "Sound off");
    mark(this.#sound, "title", muted ? "Sound of one clip (M)" : "Sound off (M)");
    this.#speed.value = String(speed);
    this.#mode.value = mode;
    mark(this.element, "data-limited", partial ? "" : null);
    this.track.style.setProperty("--gg-from", (length ? from / length : 0).toFixed(4));
    this.track.style.setProperty("--gg-to", (length ? to / length : 1).toFixed(4));
    this.#tick(mode === "time" ? this.#deck.lengths : [], length);
  }

  /** @param {number[]} lengths @param {number} length */
  #tick(lengths, length) {
    const ends = [...new Set(lengths.map((each) => each.toFixed(2)))].map(Number).filter((end) => end < length - 0.05);
    const key = ends.join() + length;
    if (key === this.#ticked) return;
    this.#ticked = key;
    this.#ticks.replaceChildren(
      ...ends.map((end) => {
        const count = lengths.filter((each) => Math.abs(each - end) < 0.01).length;
        const tick = make("span", { class: "gg-tick", title: `${count} ${count === 1 ? "clip ends" : "clips end"} at ${end.toFixed(1)} s` });
        tick.style.left = `${(end / length) * 100}%`;
        return tick;
      }),
    );
  }

  /** @param {"from" | "to"} end @returns {HTMLElement} */
  #handle(end) {
    const says = end === "from" ? "Beginning of the loop" : "End of the loop";
    return make("span", { class: "gg-handle", "data-end": end, title: says, text: end === "from" ? "A" : "B", "aria-hidden": "true" });
  }

  /** @param {HTMLElement} handle @param {AbortSignal} signal */
  #drag(handle, signal) {
    const end = /** @type {"from" | "to"} */ (handle.getAttribute("data-end"));
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId), { signal });
    const move = (/** @type {PointerEvent} */ event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = this.track.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
      const { from, to, length } = this.#deck.clock;
      const position = share * length;
      this.#deck.limit(end, end === "from" ? Math.min(position, to - 0.1) : Math.max(position, from + 0.1));
    };
    handle.addEventListener("pointermove", move, { signal });
  }
}

/**
 * @param {string} name
 * @param {string} says
 * @param {...(Node | string)} children
 */
function button(name, says, ...children) {
  return make("button", { class: `gg-button ${name}`.trim(), type: "button", title: says || undefined, "aria-label": says || undefined }, ...children);
}

/**
 * @param {string} says
 * @param {HTMLElement[]} options
 */
function choice(says, options) {
  return /** @type {HTMLSelectElement} */ (make("select", { class: "gg-choice", "aria-label": says, title: says }, ...options));
}
