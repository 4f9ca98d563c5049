import { icon, make, mark, write } from "./dom.js";
import { money } from "./status_texts.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./players.js").Players} Players
 * @typedef {import("./tile.js").TileView} TileView
 */

const PLUS = "M8 3.5 V12.5 M3.5 8 H12.5";
const SPEAKER_ON = "M3 6 H5.2 L8.4 3.4 V12.6 L5.2 10 H3 Z M10.6 5.8 A3 3 0 0 1 10.6 10.2 M12.4 4.2 A5.4 5.4 0 0 1 12.4 11.8";

/** What shows over the one tile that is pointed at or has the focus: facts, buttons, and a strip to scrub it by. */
export class Tools {
  #host;
  #players;
  /** @type {TileView | null} */
  #tile = null;
  /** @type {((id: number) => void)[]} */
  #parts = [];
  #info = make("span", { class: "gg-info" });
  #pin = this.#button("Compare it (C)", PLUS);
  #sound = this.#button("Hear it (M)", SPEAKER_ON);
  #strip = make("span", { class: "gg-scrubstrip", "aria-hidden": "true" });
  buttons = make("span", { class: "gg-toolbuttons" }, this.#pin, this.#sound);
  element = make("span", { class: "gg-tools" }, this.buttons, this.#info, this.#strip);

  /**
   * @param {Host} host
   * @param {Players} players
   * @param {{pin: (id: number) => void, hear: (id: number) => void}} acts
   * @param {AbortSignal} signal
   */
  constructor(host, players, acts, signal) {
    this.#host = host;
    this.#players = players;
    const options = { signal };
    const act = (/** @type {HTMLElement} */ button, /** @type {(id: number) => void} */ does) =>
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        if (this.#tile) does(this.#tile.id);
        this.draw();
      }, options);
    act(this.#pin, acts.pin);
    act(this.#sound, acts.hear);
    this.#strip.addEventListener("pointermove", (event) => this.#scrub(event), options);
    this.#strip.addEventListener("pointerleave", () => this.#leave(), options);
    this.#strip.addEventListener("click", (event) => event.stopPropagation(), options);
  }

  /**
   * Add a part above the facts.
   *
   * @param {HTMLElement} part
   * @param {(id: number) => void} show told which clip it is about
   */
  attach(part, show) {
    this.#info.before(part);
    this.#parts.push(show);
  }

  /** @param {TileView | null} tile null takes it away */
  show(tile) {
    if (tile === this.#tile) return;
    this.#tile = tile;
    if (!tile) return this.element.remove();
    tile.frame.append(this.element);
    for (const part of this.#parts) part(tile.id);
    this.draw();
  }

  /** Draw it as the clip now stands. */
  draw() {
    const tile = this.#tile;
    if (!tile) return;
    const { seconds, cost, service, status, path, preview } = tile.data;
    const { pins, solo, muted, playing } = this.#host.state.now;
    const parts = status === "done" ? [seconds ? `${Number(seconds.toFixed(1))} s` : "", money(cost), service ? `made in ${tile.made}` : ""] : [];
    write(this.#info, parts.filter(Boolean).join(" · "));
    mark(this.#pin, "aria-pressed", String(pins.includes(tile.id)));
    mark(this.#sound, "aria-pressed", String(!muted && solo === tile.id));
    this.#sound.hidden = !path;
    this.#strip.hidden = playing || !(preview || path);
  }

  /** @param {PointerEvent} event */
  #scrub({ clientX }) {
    if (!this.#tile) return;
    const { left, width } = this.#strip.getBoundingClientRect();
    this.#players.scrub(this.#tile, Math.min(Math.max((clientX - left) / width, 0), 1));
  }

  #leave() {
    this.#players.hover(null);
  }

  /** @param {string} says @param {string} path @returns {HTMLElement} no button of HTML, since nothing within a tile may take the focus */
  #button(says, path) {
    return make("span", { class: "gg-button", role: "button", title: says, "aria-label": says }, icon(path));
  }
}
