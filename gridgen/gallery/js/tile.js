import { make, mark, write } from "./dom.js";
import { ratioOf, tileSize } from "./layout.js";
import { elapsed, speak, STATES, toneOf } from "./words.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 */

/** One tile: poster, player, state. It reads the store and never changes it. */
export class TileView {
  #store;
  #state = make("span", { class: "gg-state" });
  #time = make("span", { class: "gg-time" });
  #reason = make("span", { class: "gg-reason" });
  #bar = make("span", { class: "gg-bar", "aria-hidden": "true" });
  #caption = make("span", { class: "gg-caption" });
  #end = make("span", { class: "gg-end", "aria-hidden": "true", text: "ended" });
  #trouble = "";
  poster = /** @type {HTMLImageElement} */ (make("img", { class: "gg-poster", alt: "", decoding: "async" }));
  /** Holds poster and player. */
  frame = make("span", { class: "gg-frame" });
  element;

  /**
   * @param {Store} store
   * @param {number} id
   */
  constructor(store, id) {
    this.#store = store;
    this.id = id;
    const words = make("span", { class: "gg-words" }, this.#state, this.#time, this.#reason);
    this.frame.append(this.poster, words, this.#end, this.#bar);
    this.element = make("div", { class: "gg-tile", role: "button", tabindex: "-1", "data-id": id }, this.frame, this.#caption);
    this.update();
  }

  /** @returns {Tile} */
  get data() {
    return /** @type {Tile} */ (this.#store.tiles.get(this.id));
  }

  /** @returns {string} what the clip was asked to be, in one line */
  get name() {
    const { axes } = this.#store;
    const shown = axes.filter((axis) => axis.labels.length > 1 || axis.name === "prompt");
    return shown.map((axis) => speak(axis.name, this.#store.label(this.data, axis.name))).join(", ");
  }

  /** Draw the tile as the store now knows it. */
  update() {
    const { data } = this;
    const tone = toneOf(data.status);
    mark(this.element, "data-status", data.status);
    mark(this.element, "data-tone", this.#trouble ? "bad" : tone);
    write(this.#state, this.#trouble ? "cannot play" : data.status);
    const bare = data.status === "done" && !data.poster;
    mark(this.element, "data-bare", bare ? "" : null);
    const why = this.#trouble || (data.error ?? (bare ? "Its preview is being made." : STATES[data.status]?.says) ?? "");
    write(this.#reason, why);
    mark(this.#reason, "title", why || null);
    const progress = data.status === "done" ? null : (data.progress ?? null);
    this.#bar.style.setProperty("--gg-progress", String((progress ?? 0) / 100));
    mark(this.#bar, "data-known", progress === null ? null : "");
    mark(this.element, "aria-label", `${this.name}: ${this.#trouble || data.status}${progress === null ? "" : ` ${progress} %`}`);
    this.tick();
  }

  /** Draw what changes by itself: the time it has taken. */
  tick() {
    const { data } = this;
    const running = data.began && toneOf(data.status) === "busy";
    const seconds = running ? this.#store.ticker.time(performance.now()) - /** @type {number} */ (data.began) : null;
    const progress = data.progress && data.status !== "done" ? `${data.progress} %` : "";
    write(this.#time, [progress, seconds === null ? "" : elapsed(seconds)].filter(Boolean).join(" · "));
  }

  /** @param {number} tile width of a 16:9 clip in pixels */
  shape(tile) {
    const { width, height } = tileSize(ratioOf(this.data, this.#store.label(this.data, "size")), tile);
    this.element.style.setProperty("--gg-width", `${width}px`);
    this.element.style.setProperty("--gg-height", `${height}px`);
    mark(this.element, "data-narrow", width < 150 ? "" : null);
  }

  /** @param {number[]} rest axes that neither rows nor columns show */
  caption(rest) {
    const { axes } = this.#store;
    const shortFirst = [...rest].sort((a, b) => Number(axes[a].name === "prompt") - Number(axes[b].name === "prompt"));
    const parts = shortFirst.map((at) => speak(axes[at].name, axes[at].labels[this.data.at[at]]));
    write(this.#caption, parts.join(" · "));
    mark(this.#caption, "title", parts.join(" · ") || null);
  }

  /** @param {string} reason why its clip cannot be shown; empty when all is well */
  trouble(reason) {
    this.#trouble = reason;
    this.update();
  }
}
