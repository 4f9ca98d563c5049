import { make, mark, wantsStill } from "./dom.js";
import { columnSizes, evenOf, fillingTile, geometryOf, inView, pictureSizes } from "./geometry.js";
import { tell } from "./labels.js";
import { planOf } from "./plan.js";
import { shapeOf, TileView } from "./tile.js";
import { speak } from "./status_texts.js";

/**
 * @typedef {import("./geometry.js").Geometry} Geometry
 * @typedef {import("./geometry.js").Head} Head
 * @typedef {import("./geometry.js").Place} Place
 * @typedef {import("./labels.js").Telling} Telling
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./state.js").Look} Look
 * @typedef {import("./store.js").Store} Store
 * @typedef {{enter: (tile: TileView) => void, leave: (tile: TileView) => void}} Keeper told which tiles exist
 */

const HEAD = 30;
const CAPTION = 22;
/** Pixels that stars take below a tile, and the share of the screen's height that one picture may have, in one column. */
const STARS = 50;
const TALLEST = 0.6;
/** Pixels around what is in sight in which tiles exist. */
const MARGIN = 360;
/** Tiles up to which a new arrangement is shown as a movement. */
const MOST_GLIDING = 150;

/** The table of tiles: headers that stay in view, and those tiles that are in view or near it. */
export class Sheet {
  #store;
  #keeper;
  /** @type {Map<number, TileView>} */
  #views = new Map();
  /** @type {Plan} */
  #plan = { rows: [], cols: [], rest: [], rowKeys: [], colKeys: [], boxes: new Map(), tabs: [], captioned: [] };
  /** @type {Geometry} */
  #geometry = { width: 0, height: 0, tiles: new Map(), tops: [], sides: [], lines: [] };
  /** @type {Map<number, {ratio: number, width: number | null}>} shapes as they were laid */
  #shapes = new Map();
  /** @type {Map<number, number>} position of each tile in the order of the sheet, from 1 */
  #order = new Map();
  /** @type {number[]} width of each level of row headers */
  #left = [];
  /** @type {Map<number, Telling[]>} */
  #told = new Map();
  #key = "";
  #corner = make("div", { class: "gg-corner", "aria-hidden": "true" });
  #top = make("div", { class: "gg-tops" });
  #side = make("div", { class: "gg-sides" });
  #body = make("div", { class: "gg-body", role: "listbox", "aria-label": "Clips", "aria-multiselectable": "true" });
  #sheet = make("div", { class: "gg-sheet" }, this.#corner, this.#top, this.#side, this.#body);
  #nothing = make("p", { class: "gg-nothing", text: "No clip passes the filter." });
  #due = 0;
  /** @type {{left: number, top: number} | null} where it is on its way to scroll */
  #toward = null;
  /** Whether tiles stand in one column, each with room for its stars. */
  single = false;
  /** The tile that exists wherever it is, since it has the focus. */
  kept = -1;
  element = make("div", { class: "gg-scroll", tabindex: "-1" }, this.#sheet);

  /**
   * @param {Store} store
   * @param {Keeper} keeper
   * @param {AbortSignal} signal
   */
  constructor(store, keeper, signal) {
    this.#store = store;
    this.#keeper = keeper;
    this.element.addEventListener("scroll", () => this.#soon(), { signal, passive: true });
    this.element.addEventListener("scrollend", () => this.#arrived(), { signal });
    for (const type of ["wheel", "touchmove", "pointerdown"]) this.element.addEventListener(type, () => (this.#toward = null), { signal, passive: true });
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#due));
  }

  /** @returns {Plan} */
  get plan() {
    return this.#plan;
  }

  /** @returns {Map<number, Place>} where each tile is, whether it exists or not; in the order of the sheet */
  get places() {
    return this.#geometry.tiles;
  }

  /** @returns {Iterable<TileView>} the tiles that exist */
  get views() {
    return this.#views.values();
  }

  /** @param {number} id @returns {TileView | undefined} */
  view(id) {
    return this.#views.get(id);
  }

  /** @returns {number} width that the tiles may take */
  get room() {
    return this.element.clientWidth - this.#left.reduce((sum, each) => sum + each, 0);
  }

  /**
   * Put the tiles where the view wants them. The same tiles move.
   *
   * @param {Look} look
   */
  lay(look) {
    const before = this.#sights();
    this.#plan = planOf(this.#store.axes, this.#store.tiles.values(), look);
    this.#told = new Map([...this.#plan.rows, ...this.#plan.cols].map((at) => [at, tell(this.#store.axes[at].labels)]));
    this.#left = this.#widths();
    const caption = this.#below;
    const { tile, fit } = look;
    const clips = [...this.#plan.boxes.values()].flat().map((id) => ({ id, ...this.#shape(id) }));
    this.#shapes = new Map(clips.map(({ id, ...shape }) => [id, shape]));
    const even = fit === "shape" ? evenOf(this.#plan, (id) => this.#shapes.get(id)?.ratio ?? 1) : "area";
    const sizeAt = (/** @type {number} */ wide) => pictureSizes(fit, clips, wide, even);
    const room = { width: Math.max(this.room, 160), caption, single: this.single };
    const column = this.single && !tile && !this.#plan.cols.length;
    const sizes = column ? columnSizes((id) => this.#shapes.get(id)?.ratio ?? 1, room.width, innerHeight * TALLEST) : sizeAt(tile || fillingTile(this.#plan, sizeAt, room.width, even));
    this.#geometry = geometryOf(this.#plan, sizes, room);
    this.#order = new Map([...this.#geometry.tiles.keys()].map((id, at) => [id, at + 1]));
    this.#draw(look, caption);
    if (before.size) this.#glide(before);
  }

  /**
   * @param {number[]} ids of clips that changed
   * @param {Look} look
   * @returns {boolean} whether they may belong elsewhere now, or be of another shape
   */
  stale(ids, { filter, sort }) {
    if (filter || sort) return ids.length > 0;
    return ids.some((id) => {
      const [now, laid] = [this.#shape(id), this.#shapes.get(id)];
      return laid !== undefined && (now.ratio !== laid.ratio || now.width !== laid.width);
    });
  }

  /**
   * Bring a tile into sight.
   *
   * @param {number} id
   * @returns {TileView | undefined} none where it is not shown at all
   */
  reveal(id) {
    const place = this.#geometry.tiles.get(id);
    if (!place) return undefined;
    const { clientWidth, clientHeight, scrollLeft, scrollTop, scrollWidth, scrollHeight } = this.element;
    const [wide, tall] = [clientWidth - this.#offset.left, clientHeight - this.#offset.top];
    const to = {
      left: within(nearest(scrollLeft, place.left - 8, place.left + place.width + 8, wide), scrollWidth - clientWidth),
      top: within(nearest(scrollTop, place.top - 8, place.top + place.height + 8, tall), scrollHeight - clientHeight),
    };
    const stays = to.left === scrollLeft && to.top === scrollTop;
    // one that is in sight now is not for long, where another way is under way
    if (!stays || this.#toward) this.element.scrollTo({ ...to, behavior: wantsStill() ? "auto" : "smooth" });
    this.#toward = stays ? null : to;
    this.kept = id;
    this.window();
    return this.#views.get(id);
  }

  /**
   * @param {number} id
   * @returns {boolean} whether most of its tile is in sight, or about to be, or as much as there is room for
   */
  sees(id) {
    const place = this.#geometry.tiles.get(id);
    if (!place) return false;
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.element;
    const from = this.#toward ?? { left: scrollLeft, top: scrollTop };
    const { left, top } = this.#offset;
    const [x, y] = [place.left - from.left, place.top - from.top];
    const down = this.element.getBoundingClientRect().top + top + y;
    return mostly(x, place.width, clientWidth - left) && mostly(y, place.height, clientHeight - top) && mostly(down, place.height, innerHeight);
  }

  /** Make the tiles that came into view or near it, and drop those that left. */
  window() {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.element;
    const { left, top } = this.#offset;
    const view = {
      left: scrollLeft - MARGIN,
      top: scrollTop - MARGIN,
      width: clientWidth - left + 2 * MARGIN,
      height: clientHeight - top + 2 * MARGIN,
    };
    const wanted = new Set(inView(this.#geometry, view));
    if (this.#geometry.tiles.has(this.kept)) wanted.add(this.kept);
    for (const [id, tile] of this.#views) if (!wanted.has(id)) this.#drop(tile);
    const fresh = [...wanted].filter((id) => !this.#views.has(id)).map((id) => this.#make(id));
    this.#body.append(...fresh.map(({ element }) => element));
    this.#heads(view);
  }

  /** Drop every tile. */
  clear() {
    for (const tile of this.#views.values()) this.#drop(tile);
  }

  /** @returns {number} pixels below each picture */
  get #below() {
    return (this.#plan.captioned.length ? CAPTION : 0) + (this.single ? STARS : 0);
  }

  get #offset() {
    return { left: this.#left.reduce((sum, width) => sum + width, 0), top: headLevels(this.#plan) * HEAD };
  }

  /** A way that was given up for another one ends, too. */
  #arrived() {
    const { left, top } = this.#toward ?? { left: 0, top: 0 };
    if (Math.abs(this.element.scrollLeft - left) < 2 && Math.abs(this.element.scrollTop - top) < 2) this.#toward = null;
  }

  #soon() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      this.window();
    });
  }

  /** @param {number} id */
  #shape(id) {
    const tile = /** @type {import("./store.js").Tile} */ (this.#store.tiles.get(id));
    return { ratio: shapeOf(this.#store, tile), width: tile.width ?? null };
  }

  /** @param {Look} look @param {number} caption */
  #draw(look, caption) {
    const { width, height } = this.#geometry;
    const { left, top } = this.#offset;
    this.#sheet.style.gridTemplate = `${top}px ${height}px / ${left}px minmax(${width}px, 1fr)`;
    this.#body.style.setProperty("--gg-caption", `${caption}px`);
    mark(this.#sheet, "data-fit", look.fit);
    this.#name();
    const lines = this.#geometry.lines.map((place) => drawn("gg-rule", place));
    this.#body.querySelectorAll(".gg-rule, .gg-nothing").forEach((old) => old.remove());
    this.#body.prepend(...lines, ...(this.#geometry.tiles.size || !this.#store.tiles.size ? [] : [this.#nothing]));
    this.#key = "";
    for (const tile of this.#views.values()) if (this.#geometry.tiles.has(tile.id)) this.#place(tile);
    this.window();
  }

  /** Write the names of the axes where the two kinds of header meet. */
  #name() {
    const { axes } = this.#store;
    const { rows, cols } = this.#plan;
    const across = cols.map((at, level) => {
      const name = make("span", { class: "gg-across", text: `${axes[at].name} →` });
      name.style.top = `${level * HEAD + 8}px`;
      return name;
    });
    const down = make("span", { class: "gg-down", text: rows.length ? `${rows.map((at) => axes[at].name).join(" › ")} ↓` : "" });
    this.#corner.replaceChildren(...(rows.length ? [...across, down] : []));
  }

  /** @param {number} id */
  #make(id) {
    const tile = new TileView(this.#store, id);
    this.#views.set(id, tile);
    this.#place(tile);
    this.#keeper.enter(tile);
    return tile;
  }

  /** @param {TileView} tile */
  #place(tile) {
    const { captioned } = this.#plan;
    const { axes } = this.#store;
    tile.move(/** @type {Place} */ (this.#geometry.tiles.get(tile.id)), this.#below);
    const shortFirst = [...captioned].sort((a, b) => Number(axes[a].name === "prompt") - Number(axes[b].name === "prompt"));
    tile.caption(shortFirst.map((at) => speak(axes[at].name, axes[at].labels[tile.data.at[at]])).join(" · "));
    mark(tile.element, "aria-posinset", String(this.#order.get(tile.id)));
    mark(tile.element, "aria-setsize", String(this.#order.size));
  }

  /** @param {TileView} tile */
  #drop(tile) {
    this.#views.delete(tile.id);
    this.#keeper.leave(tile);
    tile.element.remove();
  }

  /** @param {Place} view */
  #heads(view) {
    const { tops, sides } = this.#geometry;
    const across = tops.filter(({ start, length }) => start < view.left + view.width && start + length > view.left);
    const down = sides.filter(({ start, length }) => start < view.top + view.height && start + length > view.top);
    const key = JSON.stringify([across, down].map((some) => [some.length, some[0], some[some.length - 1]]));
    if (key === this.#key) return;
    this.#key = key;
    const { left, top } = this.#offset;
    this.#top.replaceChildren(...across.map((head) => this.#head("gg-top", head, { left: head.start, top: head.level * HEAD, width: head.length, height: HEAD }, left)));
    this.#side.replaceChildren(
      ...down.map((head) => {
        const before = this.#left.slice(0, head.level).reduce((sum, width) => sum + width, 0);
        return this.#head("gg-side", head, { left: before, top: head.start, width: this.#left[head.level], height: head.length }, top);
      }),
    );
  }

  /** @param {string} name @param {Head} head @param {Place} place @param {number} edge where its label stops @returns {HTMLElement} */
  #head(name, { axis, value, outer }, place, edge) {
    const { name: axisName, labels, notes } = this.#store.axes[axis];
    const { short } = /** @type {Telling[]} */ (this.#told.get(axis))[value];
    const more = short !== labels[value] || notes?.[value];
    const label = make("span", { class: "gg-label", dir: "auto", text: speak(axisName, short), tabindex: more ? "0" : undefined });
    label.style.setProperty("--gg-edge", `${edge}px`);
    const element = drawn(`gg-head ${name}`, place, label);
    mark(element, "data-outer", String(outer));
    mark(element, "data-axis", String(axis));
    mark(element, "data-value", String(value));
    return element;
  }

  /** @returns {number[]} */
  #widths() {
    const { axes } = this.#store;
    const { rows, cols } = this.#plan;
    const most = this.element.clientWidth < 760 ? 120 : 176;
    const found = rows.map((at) => {
      const longest = Math.max(...(this.#told.get(at) ?? []).map(({ short }) => speak(axes[at].name, short).length));
      return Math.round(Math.min(Math.max(longest * 7.4 + 26, 48), most));
    });
    const down = rows.map((at) => axes[at].name).join(" › ").length;
    const across = Math.max(0, ...cols.map((at) => axes[at].name.length));
    const short = (down + across) * 6.4 + 56 - found.reduce((sum, each) => sum + each, 0);
    if (found.length && short > 0) found[0] += Math.round(short);
    return found;
  }

  /** @returns {Map<number, Place>} where tiles are in sight, if they are few enough to move gracefully */
  #sights() {
    if (!this.element.isConnected || this.#geometry.tiles.size > MOST_GLIDING || wantsStill()) return new Map();
    const { scrollLeft, scrollTop } = this.element;
    const { left, top } = this.#offset;
    const seen = [...this.#views.keys()].flatMap((id) => {
      const place = this.#geometry.tiles.get(id);
      return place ? [/** @type {[number, Place]} */ ([id, { ...place, left: place.left + left - scrollLeft, top: place.top + top - scrollTop }])] : [];
    });
    return new Map(seen);
  }

  /** @param {Map<number, Place>} before */
  #glide(before) {
    const now = this.#sights();
    for (const [id, { left, top }] of now) {
      const from = before.get(id);
      if (!from || (from.left === left && from.top === top)) continue;
      const shift = `translate(${from.left - left}px, ${from.top - top}px)`;
      this.#views.get(id)?.element.animate([{ transform: shift }, { transform: "none" }], { duration: 260, easing: "cubic-bezier(.2,.7,.2,1)" });
    }
  }
}

/** @param {Plan} plan */
function headLevels({ rows, cols }) {
  return cols.length || (rows.length ? 1 : 0);
}

/**
 * @param {string} name
 * @param {Place} place
 * @param {...HTMLElement} children
 */
function drawn(name, { left, top, width, height }, ...children) {
  const element = make("div", { class: name }, ...children);
  element.style.cssText = `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
  return element;
}

/** @param {number} at @param {number} most */
function within(at, most) {
  return Math.max(0, Math.min(at, most));
}

/** @param {number} at where it begins @param {number} length of it @param {number} room from 0 on */
function mostly(at, length, room) {
  return Math.min(at + length, room) - Math.max(at, 0) >= Math.min(length, room) / 2;
}

/**
 * @param {number} at where the view begins now
 * @param {number} start of what must be seen
 * @param {number} end
 * @param {number} length of the view
 * @returns {number} where it has to begin, as near as possible
 */
function nearest(at, start, end, length) {
  if (start < at || end - start > length) return Math.max(0, start);
  return end > at + length ? end - length : at;
}
