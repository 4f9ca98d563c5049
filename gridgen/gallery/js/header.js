import { make, write } from "./dom.js";
import { chip } from "./panel.js";
import { announce, countStates, elapsed, isFinal, lasting, money, toneOf } from "./status_texts.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 */

/** Milliseconds between two announcements to a screen reader while there is news. */
const PAUSE = 5000;

/** What the sweep is and where it stands: name, counts, footage, time, cost. */
export class Header {
  #store;
  #spoken = -PAUSE;
  #counts = make("div", { class: "gg-counts" });
  #sums = make("div", { class: "gg-sums" });
  #time = make("div", { class: "gg-sums gg-clock" });
  progress = make("div", { class: "gg-progress", "aria-hidden": "true" });
  live = make("div", { class: "gg-live", "aria-live": "polite" });
  element = make("div", { class: "gg-header" }, this.#counts, this.#sums, this.#time);

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Draw it as the store now stands. */
  update() {
    const tiles = [...this.#store.tiles.values()];
    const counts = countStates(tiles);
    const chips = counts.map(([status, count]) => chip(status, count));
    this.#counts.replaceChildren(make("strong", { class: "gg-name", dir: "auto", text: this.#store.name }), ...chips);
    write(this.#sums, this.#footage(tiles));
    const busy = tiles.some(({ status }) => !isFinal(status));
    this.progress.hidden = !busy;
    this.progress.replaceChildren(...counts.map(([status, count]) => segment(status, count)));
    this.#announce(announce(counts), busy);
    this.tick();
  }

  /** Draw what changes by itself: how long it has taken, and may take yet. */
  tick() {
    write(this.#time, timeOf([...this.#store.tiles.values()], this.#store.ticker.time(performance.now()), this.#store.speed));
  }

  /** @param {Tile[]} tiles */
  #footage(tiles) {
    const done = tiles.filter(({ status }) => status === "done");
    const seconds = done.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
    const priced = tiles.filter(({ price }) => price);
    const wanted = priced.reduce((sum, { price, cost }) => sum + Number(cost ?? price), 0);
    const unpriced = tiles.length - priced.length ? "+" : "";
    const open = tiles.some(({ status }) => !isFinal(status));
    const of = open && wanted ? ` of about ${money(String(wanted))}${unpriced}` : "";
    return [done.length ? `${Math.round(seconds)} s of footage` : "", `${money(this.#store.cost)}${of}`].filter(Boolean).join(" · ");
  }

  /** @param {string} text @param {boolean} busy */
  #announce(text, busy) {
    const now = performance.now();
    if (busy && now - this.#spoken < PAUSE) return;
    this.#spoken = now;
    write(this.live, text);
  }
}

/** Clips that must be finished before their pace tells anything: a quarter of all, within these bounds. */
const [FEWEST, ENOUGH] = [3, 10];

/**
 * Say how long a sweep has taken, and how long it may take yet at the pace so far.
 *
 * @param {Pick<Tile, "status" | "began">[]} tiles
 * @param {number} now Unix seconds on the sweep's clock
 * @param {number | null} speed how many seconds of that clock pass in one of a person's, null where nobody knows
 * @returns {string} empty when nothing runs
 */
export function timeOf(tiles, now, speed) {
  const began = tiles.flatMap(({ began }) => (began ? [began] : []));
  const over = tiles.filter(({ status, began }) => began && isFinal(status)).length;
  const running = tiles.some(({ status }) => toneOf(status) === "busy");
  const left = tiles.filter(({ status }) => !isFinal(status)).length;
  if (!running || !began.length) return "";
  const passed = now - began.reduce((least, each) => Math.min(least, each), Infinity);
  if (speed === null) return lasting(passed, speed);
  const known = over >= Math.max(FEWEST, Math.min(ENOUGH, (over + left) / 4));
  const rest = known ? roughly(((passed / over) * left) / speed) : "";
  return `${elapsed(passed / speed)}${rest && `, about ${rest} left`}`;
}

/**
 * @param {number} seconds
 * @returns {string} as coarse as a guess is; empty for next to none
 */
function roughly(seconds) {
  if (seconds < 5) return "";
  if (seconds < 100) return `${Math.ceil(seconds / 10) * 10} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
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
