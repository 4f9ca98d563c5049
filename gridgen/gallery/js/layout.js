/**
 * @typedef {{name: string, labels: string[], notes?: string[]}} Axis
 * @typedef {{id: number, at: number[]}} Placed
 * @typedef {{rows: number[], cols: number[], rest: number[], rowKeys: number[][], colKeys: number[][],
 *   boxes: Map<string, number[]>}} Arrangement
 * @typedef {{start: number, count: number, value: number}} Run
 * @typedef {{left: number, top: number, right: number, bottom: number}} Rect
 */

/**
 * Lay tiles out on the axes chosen for rows and columns.
 *
 * An axis named for both goes to the rows. Axes that are named nowhere and vary
 * are the rest: their tiles share a box, in grid order.
 *
 * @param {Axis[]} axes
 * @param {Iterable<Placed>} tiles in grid order
 * @param {string[]} rowNames outermost first
 * @param {string[]} colNames outermost first
 * @returns {Arrangement} axes by their position; `boxes` maps `boxKey` to tile ids
 */
export function arrange(axes, tiles, rowNames, colNames) {
  const positions = (/** @type {string[]} */ names) =>
    names.map((name) => axes.findIndex((axis) => axis.name === name)).filter((at) => at >= 0);
  const rows = positions(rowNames);
  const cols = positions(colNames).filter((at) => !rows.includes(at));
  const rest = axes
    .map((_, at) => at)
    .filter((at) => axes[at].labels.length > 1 && !rows.includes(at) && !cols.includes(at));
  /** @type {Map<string, number[]>} */
  const rowKeys = new Map();
  /** @type {Map<string, number[]>} */
  const colKeys = new Map();
  /** @type {Map<string, number[]>} */
  const boxes = new Map();
  for (const { id, at } of tiles) {
    const row = rows.map((axis) => at[axis]);
    const col = cols.map((axis) => at[axis]);
    rowKeys.set(row.join(), row);
    colKeys.set(col.join(), col);
    const key = boxKey(row, col);
    const box = boxes.get(key);
    if (box) box.push(id);
    else boxes.set(key, [id]);
  }
  return { rows, cols, rest, rowKeys: inOrder(rowKeys), colKeys: inOrder(colKeys), boxes };
}

/**
 * @param {number[]} row
 * @param {number[]} col
 * @returns {string}
 */
export function boxKey(row, col) {
  return `${row.join()}|${col.join()}`;
}

/**
 * @param {Map<string, number[]>} keys
 * @returns {number[][]}
 */
function inOrder(keys) {
  return [...keys.values()].sort((a, b) => {
    const at = a.findIndex((value, index) => value !== b[index]);
    return at < 0 ? 0 : a[at] - b[at];
  });
}

/**
 * Join neighbouring headers of one level that stand for the same value.
 *
 * @param {number[][]} keys in order
 * @param {number} level 0 is the outermost
 * @returns {Run[]}
 */
export function runs(keys, level) {
  /** @type {Run[]} */
  const found = [];
  let last = "";
  keys.forEach((key, start) => {
    const prefix = key.slice(0, level + 1).join();
    if (found.length && prefix === last) found[found.length - 1].count += 1;
    else found.push({ start, count: 1, value: key[level] });
    last = prefix;
  });
  return found;
}

/**
 * Give every clip the same area, so that no shape outweighs another.
 *
 * @param {number} ratio width by height
 * @param {number} tile width in pixels of a 16:9 clip
 * @returns {{width: number, height: number}} whole pixels
 */
export function tileSize(ratio, tile) {
  const width = tile * Math.sqrt((ratio * 9) / 16);
  return { width: Math.round(width), height: Math.round(width / ratio) };
}

/**
 * Read the shape of a clip: as measured, else as asked for, else 16:9.
 *
 * @param {{width?: number | null, height?: number | null}} tile
 * @param {string} asked such as `9:16`
 * @returns {number} width by height
 */
export function ratioOf(tile, asked) {
  if (tile.width && tile.height) return tile.width / tile.height;
  const parts = /^(\d+):(\d+)$/.exec(asked);
  const ratio = parts ? Number(parts[1]) / Number(parts[2]) : NaN;
  return ratio > 0.1 && ratio < 10 ? ratio : 16 / 9;
}

/**
 * Say how much of a picture of the simulator's is lettered with what it was made from, as
 * `gridgen.simulator.clips.caption` sets it.
 *
 * @param {number} ratio width by height
 * @returns {number} share of the height, at its foot; enough for two lines of a prompt and one of parameters
 */
export function letteringOf(ratio) {
  const letter = Math.min(Math.max(ratio, 1) / 32, Math.min(ratio, 1) / 17);
  return 4.4 * letter;
}

/**
 * Find the neighbour that an arrow key means: near in its direction, and in line.
 *
 * @param {Rect[]} rects
 * @param {number} from
 * @param {string} arrow a key's name such as `ArrowLeft`
 * @returns {number} position in `rects`; `from` where there is none
 */
export function neighbour(rects, from, arrow) {
  const [x, y] = centre(rects[from]);
  const across = arrow === "ArrowLeft" || arrow === "ArrowRight";
  const sign = arrow === "ArrowLeft" || arrow === "ArrowUp" ? -1 : 1;
  let best = from;
  let least = Infinity;
  rects.forEach((rect, at) => {
    const [cx, cy] = centre(rect);
    const along = sign * (across ? cx - x : cy - y);
    const aside = Math.abs(across ? cy - y : cx - x);
    const cost = along + 3 * aside;
    if (at === from || along < 2 || aside > 2 * along || cost >= least) return;
    [best, least] = [at, cost];
  });
  return best;
}

/**
 * Find where an arrow key leads: to the neighbour, and at the end of a row or column on to the next one.
 *
 * @param {Rect[]} rects
 * @param {number} from
 * @param {string} arrow a key's name such as `ArrowLeft`
 * @returns {number} position in `rects`; `from` at the very end
 */
export function onward(rects, from, arrow) {
  const near = neighbour(rects, from, arrow);
  if (near !== from) return near;
  const here = rects[from];
  const across = arrow === "ArrowLeft" || arrow === "ArrowRight";
  const back = arrow === "ArrowLeft" || arrow === "ArrowUp";
  const places = rects.map(({ left, top, right, bottom }, at) => ({ at, line: across ? top : left, end: across ? bottom : right, along: across ? left : top }));
  const { line, end } = { line: across ? here.top : here.left, end: across ? here.bottom : here.right };
  const beyond = places.filter((each) => (back ? each.end < line + 2 : each.line > end - 2));
  const next = back ? Math.max(...beyond.map((each) => each.line)) : Math.min(...beyond.map((each) => each.line));
  const [first, ...others] = beyond.filter((each) => Math.abs(each.line - next) < 2);
  if (!first) return from;
  return others.reduce((best, each) => (back ? each.along > best.along : each.along < best.along) ? each : best, first).at;
}

/**
 * @param {Rect} rect
 * @returns {[number, number]}
 */
function centre(rect) {
  return [(rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2];
}
