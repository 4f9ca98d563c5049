import { arrange } from "./layout.js";
import { columnsOf, select } from "./select.js";

/**
 * @typedef {import("./layout.js").Axis} Axis
 * @typedef {import("./layout.js").Arrangement} Arrangement
 * @typedef {import("./state.js").Look} Look
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{axis: number, chosen: number, counts: number[]}} Tab an axis that is neither row nor column; `chosen` is -1
 *   where all of it is shown
 * @typedef {Arrangement & {tabs: Tab[], captioned: number[]}} Plan
 */

/**
 * Settle which tiles are shown, and where: filter, order, tabs, rows and columns.
 *
 * @param {Axis[]} axes
 * @param {Iterable<Tile>} tiles in grid order
 * @param {Pick<Look, "rows" | "cols" | "tabs" | "filter" | "sort">} look
 * @returns {Plan} `captioned` are the axes that only the tile itself can name
 */
export function planOf(axes, tiles, { rows, cols, tabs, filter, sort }) {
  const kept = select(tiles, columnsOf(axes), filter, sort);
  const { rest } = arrange(axes, [], rows, cols);
  const chosen = rest.map((axis) => axes[axis].labels.indexOf(tabs[axes[axis].name]));
  const passes = (/** @type {Tile} */ { at }, /** @type {number} */ but) =>
    rest.every((axis, which) => which === but || chosen[which] < 0 || at[axis] === chosen[which]);
  const shown = kept.filter((tile) => passes(tile, -1));
  const counted = rest.map((axis, which) => {
    const counts = axes[axis].labels.map(() => 0);
    for (const tile of kept) if (passes(tile, which)) counts[tile.at[axis]] += 1;
    return { axis, chosen: chosen[which], counts };
  });
  return {
    ...arrange(axes, shown, rows, cols),
    tabs: counted,
    captioned: rest.filter((_, which) => chosen[which] < 0),
  };
}

/**
 * Put an axis to one side. Whatever is there goes where the axis was.
 *
 * @param {Pick<Look, "rows" | "cols">} look
 * @param {"rows" | "cols"} side
 * @param {"outer" | "inner"} level outer is all but the last axis of a side
 * @param {string[]} names axis names; empty for none
 * @returns {Pick<Look, "rows" | "cols">}
 */
export function moveAxis(look, side, level, names) {
  const parts = {
    rows: { outer: look.rows.slice(0, -1), inner: look.rows.slice(-1) },
    cols: { outer: look.cols.slice(0, -1), inner: look.cols.slice(-1) },
  };
  let freed = parts[side][level];
  parts[side][level] = names;
  for (const other of /** @type {const} */ (["rows", "cols"]))
    for (const at of /** @type {const} */ (["outer", "inner"])) {
      if (other === side && at === level) continue;
      const left = parts[other][at].filter((name) => !names.includes(name));
      if (left.length === parts[other][at].length) continue;
      parts[other][at] = [...left, ...freed.filter((name) => !names.includes(name))];
      freed = [];
    }
  return { rows: [...parts.rows.outer, ...parts.rows.inner], cols: [...parts.cols.outer, ...parts.cols.inner] };
}
