import { boxKey, runs, tileSize } from "./layout.js";

/**
 * @typedef {import("./layout.js").Arrangement} Arrangement
 * @typedef {{left: number, top: number, width: number, height: number}} Place pixels within the body of the sheet
 * @typedef {{axis: number, value: number, level: number, outer: number, start: number, length: number}} Head one header;
 *   `outer` counts the levels inside of it
 * @typedef {{width: number, height: number, tiles: Map<number, Place>, tops: Head[], sides: Head[], lines: Place[]}} Geometry
 * @typedef {{width: number, height: number}} Size
 * @typedef {"area" | "height" | "width"} Even what clips of unequal shape have in common
 * @typedef {{width: number, caption: number, single?: boolean}} Room what there is across, what a caption takes below a
 *   tile, and whether each tile has a line of its own where there are no columns
 */

const GAP = 8;
const PAD = 6;
/** Pixels between two groups of an outer axis, with a line in the middle. */
const GROUP = 14;
export const AUTO_LEAST = 112;
export const AUTO_MOST = 340;
/** The shape that sizes are given for. */
const WIDE = 16 / 9;

/**
 * Work out where everything goes, in pixels, so that only what is in view need exist.
 *
 * @param {Arrangement} plan
 * @param {(id: number) => Size} sizeOf picture of a tile
 * @param {Room} room
 * @returns {Geometry}
 */
export function geometryOf(plan, sizeOf, room) {
  const boxes = new Map([...plan.boxes].map(([key, ids]) => [key, flow(plan, ids, sizeOf, room)]));
  const box = (/** @type {number[]} */ row, /** @type {number[]} */ col) => boxes.get(boxKey(row, col));
  const across = edges(plan.colKeys, (col) => widest(plan.rowKeys.map((row) => box(row, col)?.width)));
  const down = edges(plan.rowKeys, (row) => widest(plan.colKeys.map((col) => box(row, col)?.height)));
  /** @type {Map<number, Place>} */
  const tiles = new Map();
  plan.rowKeys.forEach((row, y) =>
    plan.colKeys.forEach((col, x) => {
      for (const [id, { left, top, width, height }] of box(row, col)?.places ?? [])
        tiles.set(id, { left: across[x].start + left, top: down[y].start + top, width, height });
    }),
  );
  const [width, height] = [span(across), span(down)];
  return {
    width,
    height,
    tiles,
    tops: heads(plan.cols, plan.colKeys, across),
    sides: heads(plan.rows, plan.rowKeys, down),
    lines: [
      ...across.filter(({ opens }) => opens).map(({ start }) => ({ left: start - GROUP / 2, top: 0, width: 1, height })),
      ...down.filter(({ opens }) => opens).map(({ start }) => ({ left: 0, top: start - GROUP / 2, width, height: 1 })),
    ],
  };
}

/**
 * Find the size at which the tiles fill the width.
 *
 * @param {Arrangement} plan
 * @param {(tile: number) => (id: number) => Size} sizeAt sizes for a width of a 16:9 clip
 * @param {number} width that there is
 * @param {Even} [even]
 * @returns {number} between AUTO_LEAST and AUTO_MOST, or such that the one height is, where all have one
 */
export function fillingTile(plan, sizeAt, width, even = "area") {
  const by = even === "height" ? WIDE : 1;
  const within = (/** @type {number} */ tile) => Math.floor(Math.min(Math.max(tile, AUTO_LEAST * by), AUTO_MOST * by));
  if (plan.cols.length) {
    const room = { width, caption: 0 };
    const [small, large] = [100, 200].map((tile) => geometryOf(plan, sizeAt(tile), room).width);
    return within(100 + ((width - small) / Math.max(large - small, 1)) * 100 - 1);
  }
  const widths = [...plan.boxes.values()].flat().map((id) => sizeAt(100)(id).width);
  const mean = widths.reduce((sum, each) => sum + each, 0) / Math.max(widths.length, 1) || 100;
  const least = Math.max(1, Math.floor((width - 2 * PAD + GAP) / (2.4 * mean + GAP)));
  const count = Math.max(least, Math.min(widths.length, 2));
  return within((((width - 2 * PAD + GAP) / count - GAP) / mean) * 100 - 1);
}

/**
 * Set tiles side by side, into further lines where the room ends.
 *
 * @param {Arrangement} plan
 * @param {number[]} ids
 * @param {(id: number) => Size} sizeOf
 * @param {Room} room
 */
function flow({ cols }, ids, sizeOf, room) {
  /** @type {Map<number, Place>} */
  const places = new Map();
  const [limit, most] = cols.length ? [Infinity, abreast(ids.length)] : [room.width - 2 * PAD, room.single ? 1 : Infinity];
  let [left, top, tall, count, widest_] = [0, 0, 0, 0, 0];
  for (const id of ids) {
    const { width, height } = sizeOf(id);
    if (count && (count === most || left + width > limit)) [left, top, tall, count] = [0, top + tall + GAP, 0, 0];
    places.set(id, { left: left + PAD, top: top + PAD, width, height: height + room.caption });
    widest_ = Math.max(widest_, left + width);
    [left, tall, count] = [left + width + GAP, Math.max(tall, height + room.caption), count + 1];
  }
  return { places, width: widest_ + 2 * PAD, height: top + tall + 2 * PAD };
}

/** @param {number} count @returns {number} how many of so many tiles in one box stand side by side */
function abreast(count) {
  return count <= 3 ? count : Math.ceil(Math.sqrt(count));
}

/** @param {(number | undefined)[]} lengths */
function widest(lengths) {
  return Math.max(0, ...lengths.map((length) => length ?? 0));
}

/**
 * @param {number[][]} keys
 * @param {(key: number[]) => number} lengthOf
 * @returns {{start: number, length: number, opens: boolean}[]} one after another; `opens` where an outer group begins
 */
function edges(keys, lengthOf) {
  let end = 0;
  return keys.map((key, at) => {
    const opens = at > 0 && key.length > 1 && key.slice(0, -1).join() !== keys[at - 1].slice(0, -1).join();
    const start = end + (opens ? GROUP : 0);
    const length = lengthOf(key);
    end = start + length;
    return { start, length, opens };
  });
}

/** @param {{start: number, length: number}[]} found */
function span(found) {
  const last = found[found.length - 1];
  return last ? last.start + last.length : 0;
}

/**
 * @param {number[]} axes
 * @param {number[][]} keys
 * @param {{start: number, length: number}[]} found
 * @returns {Head[]}
 */
function heads(axes, keys, found) {
  return axes.flatMap((axis, level) =>
    runs(keys, level).map(({ start, count, value }) => {
      const [first, last] = [found[start], found[start + count - 1]];
      const outer = axes.length - 1 - level;
      return { axis, value, level, outer, start: first.start, length: last.start + last.length - first.start };
    }),
  );
}

/**
 * Say how large each picture is.
 *
 * @param {import("./state.js").Fit} fit
 * @param {{id: number, ratio: number, width: number | null}[]} clips `width` in their own pixels
 * @param {number} tile width of a 16:9 clip in pixels
 * @param {Even} [even] for tiles shaped like their clips
 * @returns {(id: number) => Size}
 */
export function pictureSizes(fit, clips, tile, even = "area") {
  const known = new Map(clips.map((clip) => [clip.id, clip]));
  const clipOf = (/** @type {number} */ id) => known.get(id) ?? { id, ratio: 16 / 9, width: null };
  if (fit === "box") {
    const size = tileSize(commonest(clips.map(({ ratio }) => ratio)), tile);
    return () => size;
  }
  const most = Math.max(0, ...clips.map(({ width }) => width ?? 0));
  return (id) => {
    const { ratio, width } = clipOf(id);
    if (fit === "shape" || !width || !most) return evenSize(ratio, tile, even);
    const scaled = Math.max(24, Math.round((width / most) * tile));
    return { width: scaled, height: Math.round(scaled / ratio) };
  };
}

/**
 * Say what clips ought to have in common so that least of a table is left blank: one height where shapes stand side
 * by side, one width where each row has its own. Without columns it is one area, so that no shape outweighs another.
 *
 * @param {Arrangement} plan
 * @param {(id: number) => number} ratioOf width by height
 * @returns {Even}
 */
export function evenOf({ rowKeys, colKeys, cols, boxes }, ratioOf) {
  const shapes = (/** @type {number[]} */ ids) => new Set(ids.map((id) => Math.round(ratioOf(id) * 50))).size;
  if (!cols.length || shapes([...boxes.values()].flat()) < 2) return "area";
  const mixed = rowKeys.some((row) => shapes(colKeys.flatMap((col) => boxes.get(boxKey(row, col)) ?? [])) > 1);
  return mixed ? "height" : "width";
}

/** @param {number} ratio @param {number} tile @param {Even} even @returns {Size} */
function evenSize(ratio, tile, even) {
  if (even === "area") return tileSize(ratio, tile);
  const width = even === "width" ? tile : (tile / WIDE) * ratio;
  return { width: Math.round(width), height: Math.round(width / ratio) };
}

/**
 * Say how large pictures are in one column: as wide as there is room, or as tall as may be.
 *
 * @param {(id: number) => number} ratioOf width by height
 * @param {number} width that there is
 * @param {number} most pixels of height
 * @returns {(id: number) => Size}
 */
export function columnSizes(ratioOf, width, most) {
  return (id) => {
    const wide = Math.floor(Math.min(width - 2 * PAD, most * ratioOf(id)));
    return { width: wide, height: Math.round(wide / ratioOf(id)) };
  };
}

/** @param {number[]} ratios @returns {number} the one met most often, the widest of those */
function commonest(ratios) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const ratio of ratios) counts.set(Math.round(ratio * 50), (counts.get(Math.round(ratio * 50)) ?? 0) + 1);
  const [best] = [...counts].sort(([a, m], [b, n]) => n - m || b - a);
  return best ? (ratios.find((ratio) => Math.round(ratio * 50) === best[0]) ?? 16 / 9) : 16 / 9;
}

/**
 * @param {Geometry} geometry
 * @param {Place} view what is in sight, with some room around it
 * @returns {number[]} ids of the tiles there
 */
export function inView({ tiles }, view) {
  const found = [];
  for (const [id, { left, top, width, height }] of tiles)
    if (left < view.left + view.width && left + width > view.left && top < view.top + view.height && top + height > view.top) found.push(id);
  return found;
}
