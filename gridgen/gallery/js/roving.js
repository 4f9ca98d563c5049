import { idOf, mark } from "./dom.js";
import { onward } from "./layout.js";

/**
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./sheet.js").Sheet} Sheet
 */

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** The one tile that Tab reaches, and the way from tile to tile by keys. */
export class Roving {
  #sheet;
  /** @type {number[]} the tiles in order, as last seen */
  #ids = [];
  current = -1;

  /** @param {Sheet} sheet */
  constructor(sheet) {
    this.#sheet = sheet;
  }

  /** @param {Keys} keys */
  bind(keys) {
    const when = (/** @type {import("./keys.js").Pressed} */ { target }) => idOf(target) >= 0;
    keys.add(
      "Moving",
      { keys: ARROWS, scope: "wall", does: "move from clip to clip, on to the next row at the end of one", when, act: ({ key }) => this.go(this.next(key)) },
      { keys: ["Home", "End"], scope: "wall", does: "first and last clip", when, act: ({ key }) => this.go(this.#end(key)) },
    );
  }

  /** See to it that one tile can be reached, and no other: where it is gone, the one that came after it. */
  settle() {
    const { places } = this.#sheet;
    if (!places.has(this.current)) {
      const at = this.#ids.indexOf(this.current);
      const after = this.#ids.slice(at + 1).find((id) => places.has(id));
      const ids = [...places.keys()];
      this.current = (at < 0 ? ids[0] : (after ?? ids[ids.length - 1])) ?? -1;
    }
    this.#ids = [...places.keys()];
    this.#sheet.kept = this.current;
    for (const { element, id } of this.#sheet.views) mark(element, "tabindex", id === this.current ? "0" : "-1");
  }

  /** @param {number} id */
  rove(id) {
    if (!this.#sheet.places.has(id) || id === this.current) return;
    this.current = id;
    this.settle();
  }

  /**
   * @param {string} arrow
   * @returns {number} id of the tile that it leads to from the current one
   */
  next(arrow) {
    const ids = [...this.#sheet.places.keys()];
    const rects = [...this.#sheet.places.values()].map(({ left, top, width, height }) => ({ left, top, right: left + width, bottom: top + height }));
    const from = ids.indexOf(this.current);
    return from < 0 ? this.current : ids[onward(rects, from, arrow)];
  }

  /** @param {number} id */
  go(id) {
    this.rove(id);
    this.#sheet.reveal(id)?.element.focus({ preventScroll: true });
    this.settle();
  }

  /** @param {string} key */
  #end(key) {
    const ids = [...this.#sheet.places.keys()];
    return key === "Home" ? ids[0] : ids[ids.length - 1];
  }
}
