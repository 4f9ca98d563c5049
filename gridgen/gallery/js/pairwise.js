import { Playback } from "./playback.js";
import { followTheme, icon, make } from "./dom.js";
import { keepFocus } from "./focus.js";
import { meaningsOf } from "./keys.js";
import { Rounds } from "./rounds.js";
import { CROSS_OUT } from "./rating_strip.js";
import { Transport } from "./transport.js";

/**
 * @typedef {import("./environment.js").Host} Host
 */

/** Blind rounds over the wall. */
export class Pairwise {
  #host;
  #rounds;
  #paused = true;
  element = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-duel", "aria-label": "Blind rounds", tabindex: "-1" }));

  /**
   * @param {Host} host
   * @param {Playback} deck
   * @param {AbortSignal} signal
   */
  constructor(host, deck, signal) {
    this.#host = host;
    this.#rounds = new Rounds(host, deck, signal);
    const close = make("button", { class: "gg-button gg-close", type: "button", "aria-label": "Close (Esc)", title: "Close (Esc)" }, icon(CROSS_OUT));
    close.addEventListener("click", () => this.element.close(), { signal });
    this.#rounds.head.append(close);
    this.element.append(make("div", { class: "gg-card" }, this.#rounds.element, new Transport(deck, signal).element));
    this.element.addEventListener("close", () => this.#closed(), { signal });
  }

  /**
   * @param {number[]} ids clips that take part
   * @returns {boolean} false where they are not of two cells
   */
  open(ids) {
    this.#paused = !this.#host.state.now.playing;
    if (!this.#rounds.start(ids)) return false;
    this.element.showModal();
    this.element.focus();
    return true;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    press(this.#rounds, event);
  }

  #closed() {
    this.#rounds.stop();
    if (this.#paused) this.#host.state.set({ playing: false });
  }
}

/** Blind rounds in place of the wall. */
export class RoundsView {
  element = make("div", { class: "gg-wall gg-alone", tabindex: "-1" });

  /**
   * @param {Host} host
   * @param {number[]} ids
   * @param {AbortSignal} signal
   */
  constructor(host, ids, signal) {
    const deck = new Playback(host.state, signal);
    const rounds = new Rounds(host, deck, signal);
    const begin = make("button", { class: "gg-save gg-begin", type: "button", text: "Begin the blind rounds" });
    const ready = () => {
      begin.remove();
      this.element.append(rounds.element, new Transport(deck, signal).element);
      rounds.start(ids);
      this.element.focus();
    };
    begin.addEventListener("click", ready, { signal });
    this.element.append(begin);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return;
      event.stopPropagation();
      if (rounds.running) press(rounds, event);
    }, { signal });
    followTheme(this.element, signal);
    keepFocus(this.element, signal);
  }
}

/** @param {Rounds} rounds @param {KeyboardEvent} event */
function press(rounds, event) {
  const { key, target } = event;
  const onButton = target instanceof HTMLButtonElement && (key === "Enter" || key === " ");
  const onField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (onButton || onField) return;
  if (meaningsOf(event).some((each) => rounds.press(each))) event.preventDefault();
}
