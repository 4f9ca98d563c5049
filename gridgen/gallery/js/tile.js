import { make, mark, write } from "./dom.js";
import { ratioOf } from "./layout.js";
import { lasting, meaningOf, money, speak, toneOf, waited } from "./status_texts.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {import("./geometry.js").Place} Place
 */

/** Pixels across, and down, below which there are no stars over a picture: they would take the clicks that are meant for it. */
const LEAST_RATED = [150, 90];
/** Pixels down below which there are no facts under the stars: they would lift them into the middle. */
const LEAST_INFORMED = 130;
/** Pixels on the short side below which there are no buttons over it either. */
const LEAST_TOOLED = 48;
/** Pixels across, and down, below which a tile without a clip says its state alone. */
const LEAST_TOLD = [160, 72];
/** Pixels of such a tile that are not for its reason, and of a line of that. */
const BESIDE_REASON = 58;
const REASON_LINE = 15.6;

/** One tile: poster, player, state. It reads the store and never changes it. What a tile does not need is not made. */
export class TileView {
  #store;
  /** @type {{state: HTMLElement, time: HTMLElement, cost: HTMLElement, reason: HTMLElement, all: HTMLElement, bar: HTMLElement} | null} */
  #words = null;
  /** @type {HTMLElement | null} */
  #caption = null;
  /** @type {Map<string, HTMLElement>} */
  #badges = new Map();
  #trouble = "";
  #remark = "";
  poster = /** @type {HTMLImageElement} */ (make("img", { class: "gg-poster", alt: "", decoding: "async" }));
  /** Holds poster and player. */
  frame = make("span", { class: "gg-frame" }, this.poster);
  element;
  /** CSS pixels on the long side of its picture. */
  drawn = 0;

  /**
   * @param {Store} store
   * @param {number} id
   */
  constructor(store, id) {
    this.#store = store;
    this.id = id;
    this.element = make("div", { class: "gg-tile", role: "option", tabindex: "-1", "aria-selected": "false", "data-id": id }, this.frame);
    this.update();
  }

  /** @returns {Tile} */
  get data() {
    return /** @type {Tile} */ (this.#store.tiles.get(this.id));
  }

  /** @returns {string} what the clip was asked to be, in one line */
  get name() {
    return nameOf(this.#store, this.data);
  }

  /** @returns {string} how long its clip took to make, empty while nobody knows */
  get made() {
    return this.data.service ? lasting(this.data.service, this.#store.speed) : "";
  }

  /** Draw the tile as the store now knows it. */
  update() {
    const { data } = this;
    const tone = toneOf(data.status);
    const bare = data.status === "done" && !data.poster;
    mark(this.element, "data-status", data.status);
    mark(this.element, "data-tone", this.#trouble ? "bad" : tone);
    mark(this.element, "data-bare", bare ? "" : null);
    mark(this.element, "data-made", data.status === "done" ? "" : null);
    const progress = data.status === "done" ? null : (data.progress ?? null);
    const said = progress === null ? "" : ` ${progress} %`;
    mark(this.element, "aria-label", [`${this.name}: ${this.#trouble || data.status}${said}`, this.#remark].filter(Boolean).join(", "));
    if (tone === "good" && !bare && !this.#trouble) this.#unsay();
    else this.#say(progress, bare);
  }

  /** Draw what changes by itself: the time it has taken, of the time that it may take. */
  tick() {
    if (!this.#words) return;
    const { data } = this;
    const running = data.began && toneOf(data.status) === "busy";
    const seconds = running ? this.#store.ticker.time(performance.now()) - /** @type {number} */ (data.began) : null;
    const progress = data.progress && data.status !== "done" ? `${data.progress} %` : "";
    write(this.#words.time, [progress, seconds === null ? "" : waited(data.status, seconds, this.#store.expected(data), this.#store.speed)].filter(Boolean).join(" · "));
  }

  /**
   * @param {Place} place of the tile, caption included
   * @param {number} caption height of it
   */
  move({ left, top, width, height }, caption) {
    const tall = height - caption;
    const lines = Math.min(Math.max(Math.floor((tall - BESIDE_REASON) / REASON_LINE), 1), 4);
    this.element.style.cssText = `left:${left}px;top:${top}px;width:${width}px;height:${height}px;--gg-lines:${lines}`;
    this.frame.style.height = `${tall}px`;
    this.drawn = Math.max(width, tall);
    mark(this.element, "data-narrow", width < LEAST_RATED[0] || tall < LEAST_RATED[1] ? "" : null);
    mark(this.element, "data-short", tall < LEAST_INFORMED ? "" : null);
    mark(this.element, "data-tiny", Math.min(width, tall) < LEAST_TOOLED ? "" : null);
    mark(this.element, "data-terse", width < LEAST_TOLD[0] || tall < LEAST_TOLD[1] ? "" : null);
  }

  /** @param {string} text what neither rows nor columns say */
  caption(text) {
    if (text && !this.#caption) this.element.append((this.#caption = make("span", { class: "gg-caption", dir: "auto" })));
    if (!this.#caption) return;
    write(this.#caption, text);
    mark(this.#caption, "title", text || null);
  }

  /** @param {string} reason why its clip cannot be shown; empty when all is well */
  trouble(reason) {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    this.update();
  }

  /** @param {string} words what a person said of it, for a screen reader */
  remark(words) {
    if (words === this.#remark) return;
    this.#remark = words;
    this.update();
  }

  /**
   * Put a small mark into the corner of its picture.
   *
   * @param {string} kind one of each kind at a time
   * @param {string} text empty takes it away
   * @param {string} [title]
   */
  badge(kind, text, title) {
    const known = this.#badges.get(kind);
    if (!text) {
      known?.remove();
      this.#badges.delete(kind);
      return;
    }
    const badge = known ?? make("span", { class: "gg-badge", "data-kind": kind });
    write(badge, text);
    mark(badge, "title", title ?? null);
    if (known) return;
    this.#badges.set(kind, badge);
    const row = this.frame.querySelector(".gg-badges") ?? this.frame.appendChild(make("span", { class: "gg-badges" }));
    row.append(badge);
  }

  /** @param {number | null} progress @param {boolean} bare */
  #say(progress, bare) {
    const { data } = this;
    const { state, cost, reason, all, bar } = (this.#words ??= this.#wordless());
    write(state, this.#trouble ? "cannot play" : data.status);
    const why = this.#trouble || (data.error ?? (bare ? "Its preview is being made." : meaningOf(data.status)));
    write(reason, why);
    mark(all, "title", why || null);
    const expected = data.price && toneOf(data.status) === "busy" ? `${money(data.price)} expected` : "";
    write(cost, data.cost && data.status !== "done" ? money(data.cost) : expected);
    bar.style.setProperty("--gg-progress", String((progress ?? 0) / 100));
    mark(bar, "data-known", progress === null ? null : "");
    this.tick();
  }

  #wordless() {
    const [state, time, cost, reason] = ["state", "time", "cost", "reason"].map((name) => make("span", { class: `gg-${name}`, dir: "auto" }));
    const bar = make("span", { class: "gg-bar", "aria-hidden": "true" });
    const all = make("span", { class: "gg-words" }, state, time, cost, reason);
    this.frame.append(all, bar);
    return { state, time, cost, reason, bar, all };
  }

  #unsay() {
    this.#words?.all.remove();
    this.#words?.bar.remove();
    this.#words = null;
  }
}

/**
 * @param {Store} store
 * @param {Tile} tile
 * @returns {string} what a clip was asked to be, in one line
 */
export function nameOf({ axes }, tile) {
  const parts = axes.flatMap(({ name, labels }, at) => (labels.length > 1 || name === "prompt" ? [speak(name, labels[tile.at[at]])] : []));
  return parts.join(", ");
}

/**
 * @param {Store} store
 * @param {Tile} tile
 * @returns {number} width by height
 */
export function shapeOf(store, tile) {
  return ratioOf(tile, store.label(tile, "size"));
}
