import { make, write } from "./dom.js";
import { chip } from "./panel.js";
import { announce, countStates, isSettled, money, toneOf } from "./words.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 */

/** Milliseconds between two announcements to a screen reader while there is news. */
const PAUSE = 5000;

/** What the sweep is and where it stands: name, counts, footage, cost. */
export class Header {
  #store;
  #spoken = -PAUSE;
  #counts = make("div", { class: "gg-counts" });
  #sums = make("div", { class: "gg-sums" });
  progress = make("div", { class: "gg-progress", "aria-hidden": "true" });
  live = make("div", { class: "gg-live", "aria-live": "polite" });
  element = make("div", { class: "gg-header" }, this.#counts, this.#sums);

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Draw it as the store now stands. */
  update() {
    const tiles = [...this.#store.tiles.values()];
    const counts = countStates(tiles);
    const chips = counts.map(([status, count]) => chip(status, count));
    this.#counts.replaceChildren(make("strong", { class: "gg-name", text: this.#store.name }), ...chips);
    write(this.#sums, this.#footage(tiles));
    const busy = tiles.some(({ status }) => !isSettled(status));
    this.progress.hidden = !busy;
    this.progress.replaceChildren(...counts.map(([status, count]) => segment(status, count)));
    this.#announce(announce(counts), busy);
  }

  /** @param {Tile[]} tiles */
  #footage(tiles) {
    const done = tiles.filter(({ status }) => status === "done");
    const seconds = done.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
    const cost = money(this.#store.cost);
    return [done.length ? `${Math.round(seconds)} s of footage` : "", cost].filter(Boolean).join(" · ");
  }

  /** @param {string} text @param {boolean} busy */
  #announce(text, busy) {
    const now = performance.now();
    if (busy && now - this.#spoken < PAUSE) return;
    this.#spoken = now;
    write(this.live, text);
  }
}

/**
 * @param {string} status
 * @param {number} count
 * @returns {HTMLElement}
 */
function segment(status, count) {
  const part = make("span", { "data-tone": toneOf(status), "data-status": status });
  part.style.flexGrow = String(count);
  return part;
}
