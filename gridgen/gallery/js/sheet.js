import { make, mark } from "./dom.js";
import { arrange, boxKey, runs } from "./layout.js";
import { differing, speak } from "./words.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./layout.js").Arrangement} Arrangement
 * @typedef {import("./tile.js").TileView} TileView
 */

const HEAD = 30;

/** The table of tiles: headers that stay in view, and boxes that hold the tiles. */
export class Sheet {
  #store;
  element = make("div", { class: "gg-sheet", role: "group", "aria-label": "Clips" });
  /** @type {Map<string, HTMLElement>} */
  #boxes = new Map();
  #key = "";

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * Put the tiles where the chosen axes want them. The same tiles move; none is made anew.
   *
   * @param {Map<number, TileView>} tiles
   * @param {string[]} rows axis names, outermost first
   * @param {string[]} cols axis names, outermost first
   */
  lay(tiles, rows, cols) {
    const plan = arrange(this.#store.axes, this.#store.tiles.values(), rows, cols);
    const key = JSON.stringify([rows, cols, this.#store.tiles.size]);
    if (key === this.#key) return;
    this.#key = key;
    this.#boxes.clear();
    const left = widths(this.#store, plan);
    const content = [...this.#corner(plan, left), ...this.#top(plan, left), ...this.#side(plan, left), ...this.#body(plan)];
    this.element.style.gridTemplateColumns = columns(plan, left);
    mark(this.element, "data-wrap", plan.cols.length ? null : "");
    for (const [box, ids] of plan.boxes) {
      const views = ids.map((id) => /** @type {TileView} */ (tiles.get(id)));
      for (const view of views) view.caption(plan.rest);
      this.#boxes.get(box)?.append(...views.map(({ element }) => element));
    }
    this.element.replaceChildren(...content);
  }

  /**
   * @param {Arrangement} plan
   * @param {number[]} left
   * @returns {HTMLElement[]} the names of the axes, where the two kinds of header meet
   */
  #corner(plan, left) {
    if (!plan.rows.length) return [];
    const height = plan.cols.length || 1;
    return Array.from({ length: height }, (_, level) => {
      const last = level === height - 1;
      const cell = make("div", { class: "gg-corner", "aria-hidden": "true" });
      if (last) cell.append(make("span", { text: plan.rows.map((at) => this.#store.axes[at].name).join(" › ") }));
      const name = plan.cols.length ? this.#store.axes[plan.cols[level]].name : "";
      if (name) cell.append(make("span", { class: "gg-across", text: `${name} →` }));
      place(cell, level + 1, 1, 1, left.length);
      cell.style.top = `${level * HEAD}px`;
      return cell;
    });
  }

  /**
   * @param {Arrangement} plan
   * @param {number[]} left
   * @returns {HTMLElement[]}
   */
  #top(plan, left) {
    const start = left.length + 1;
    const edge = left.reduce((sum, width) => sum + width, 0);
    return plan.cols.flatMap((axis, level) =>
      runs(plan.colKeys, level).map((run) => {
        const head = this.#head("gg-top", axis, run.value);
        place(head, level + 1, start + run.start, 1, run.count);
        head.style.top = `${level * HEAD}px`;
        /** @type {HTMLElement} */ (head.firstChild).style.left = `${edge + 10}px`;
        mark(head, "data-level", String(plan.cols.length - 1 - level));
        return head;
      }),
    );
  }

  /**
   * @param {Arrangement} plan
   * @param {number[]} left
   * @returns {HTMLElement[]}
   */
  #side(plan, left) {
    const start = headRows(plan) + 1;
    const top = headRows(plan) * HEAD;
    return plan.rows.flatMap((axis, level) => {
      const edge = left.slice(0, level).reduce((sum, width) => sum + width, 0);
      return runs(plan.rowKeys, level).map((run) => {
        const head = this.#head("gg-side", axis, run.value);
        place(head, start + run.start, level + 1, run.count, 1);
        head.style.left = `${edge}px`;
        /** @type {HTMLElement} */ (head.firstChild).style.top = `${top + 10}px`;
        mark(head, "data-level", String(plan.rows.length - 1 - level));
        return head;
      });
    });
  }

  /**
   * @param {Arrangement} plan
   * @returns {HTMLElement[]}
   */
  #body(plan) {
    const [top, left] = [headRows(plan) + 1, plan.rows.length + 1];
    return plan.rowKeys.flatMap((row, y) =>
      plan.colKeys.map((col, x) => {
        const box = make("div", { class: "gg-box" });
        place(box, top + y, left + x, 1, 1);
        const key = boxKey(row, col);
        const abreast = Math.min(plan.boxes.get(key)?.length ?? 1, 3);
        box.style.setProperty("--gg-abreast", String(plan.cols.length ? abreast : 99));
        mark(box, "data-wrap", plan.cols.length ? null : "");
        mark(box, "data-first-col", begins(plan.colKeys, x) ? "" : null);
        mark(box, "data-first-row", begins(plan.rowKeys, y) ? "" : null);
        this.#boxes.set(key, box);
        return box;
      }),
    );
  }

  /**
   * @param {string} className
   * @param {number} axis
   * @param {number} value
   * @returns {HTMLElement}
   */
  #head(className, axis, value) {
    const { name, labels } = this.#store.axes[axis];
    const text = speak(name, differing(labels)[value]);
    const label = make("span", { class: "gg-label", text, title: labels[value] });
    return make("div", { class: `gg-head ${className}` }, label);
  }
}

/**
 * @param {number[][]} keys
 * @param {number} at
 * @returns {boolean} whether an outer header begins here, which earns a line
 */
function begins(keys, at) {
  return at > 0 && keys[at].length > 1 && keys[at][0] !== keys[at - 1][0];
}

/** @param {Arrangement} plan */
function headRows(plan) {
  return plan.cols.length || (plan.rows.length ? 1 : 0);
}

/**
 * @param {Store} store
 * @param {Arrangement} plan
 * @returns {number[]} width in pixels of each level of row headers
 */
function widths(store, plan) {
  const found = plan.rows.map((at) => {
    const { name, labels } = store.axes[at];
    const longest = Math.max(...differing(labels).map((label) => speak(name, label).length));
    return Math.round(Math.min(Math.max(longest * 7.4 + 24, 48), 176));
  });
  const names = [...plan.rows, ...plan.cols].map((at) => store.axes[at].name.length);
  const short = names.reduce((sum, length) => sum + length, 0) * 6.4 + 44 - found.reduce((sum, width) => sum + width, 0);
  if (found.length && short > 0) found[0] += Math.round(short);
  return found;
}

/**
 * @param {Arrangement} plan
 * @param {number[]} left
 * @returns {string}
 */
function columns(plan, left) {
  const heads = left.map((width) => `${width}px`).join(" ");
  const body = plan.cols.length ? `repeat(${plan.colKeys.length}, max-content) 1fr` : "minmax(0, 1fr)";
  return `${heads} ${body}`;
}

/**
 * @param {HTMLElement} element
 * @param {number} row
 * @param {number} column
 * @param {number} rows
 * @param {number} cols
 */
function place(element, row, column, rows, cols) {
  element.style.gridArea = `${row} / ${column} / span ${rows} / span ${cols}`;
}
