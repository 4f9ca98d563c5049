import { mark } from "./dom.js";
import { neighbour } from "./layout.js";

/**
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./tile.js").TileView} TileView
 */

/** The one tile that Tab reaches, and the way from tile to tile by keys. */
export class Rover {
  #tiles;
  #sheet;
  current = -1;

  /**
   * @param {Map<number, TileView>} tiles
   * @param {HTMLElement} sheet
   */
  constructor(tiles, sheet) {
    this.#tiles = tiles;
    this.#sheet = sheet;
  }

  /** @param {Keys} keys */
  bind(keys) {
    const when = (/** @type {KeyboardEvent} */ { target }) => idOf(target) >= 0;
    const arrows = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
    const end = (/** @type {string} */ key) => this.#ends()[key === "Home" ? 0 : 1];
    keys.add(
      { keys: arrows, scope: "wall", does: "move from clip to clip", when, act: ({ key }) => this.go(this.next(key)) },
      { keys: ["Home", "End"], scope: "wall", does: "first and last clip", when, act: ({ key }) => this.go(end(key)) },
    );
  }

  /** @param {number} id */
  rove(id) {
    const tile = this.#tiles.get(id);
    if (!tile || id === this.current) return;
    const last = this.#tiles.get(this.current);
    if (last) mark(last.element, "tabindex", "-1");
    this.current = id;
    mark(tile.element, "tabindex", "0");
  }

  /**
   * @param {string} arrow
   * @returns {number} id of the tile that it leads to from the current one
   */
  next(arrow) {
    const tiles = [...this.#tiles.values()];
    const rects = tiles.map(({ element }) => element.getBoundingClientRect());
    return tiles[neighbour(rects, tiles.findIndex(({ id }) => id === this.current), arrow)].id;
  }

  /** @param {number} id */
  go(id) {
    const tile = this.#tiles.get(id);
    tile?.element.focus({ preventScroll: true });
    tile?.element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: wantsStill() ? "auto" : "smooth" });
  }

  #ends() {
    const all = this.#sheet.querySelectorAll(".gg-tile");
    return [idOf(all[0]), idOf(all[all.length - 1])];
  }
}

/**
 * @param {EventTarget | null} target
 * @returns {number} id of the tile that it lies in, -1 for none
 */
export function idOf(target) {
  const tile = target instanceof Element ? target.closest(".gg-tile") : null;
  return tile ? Number(tile.getAttribute("data-id")) : -1;
}

/** @returns {boolean} whether the person asked for less motion */
export function wantsStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
