import { Ticker } from "./clock.js";

/**
 * @typedef {import("./layout.js").Axis} Axis
 * @typedef {object} Tile one cell and take, as Python last told it
 * @property {number} id
 * @property {number[]} at position of its value on each axis
 * @property {string} status
 * @property {number | null} [progress] percent
 * @property {number | null} [began] Unix seconds on the sweep's clock
 * @property {number | null} [service] seconds that the server took
 * @property {string | null} [price] USD
 * @property {string | null} [cost] USD
 * @property {string | null} [error_class]
 * @property {string | null} [error]
 * @property {string | null} [path] original, relative to the sweep's folder
 * @property {string | null} [poster]
 * @property {string | null} [preview]
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [fps]
 * @property {number | null} [seconds] length of the clip
 * @property {number | null} [bytes]
 * @typedef {{seq: number, now: number, name: string, folder: string, axes: Axis[], tiles: Tile[], cost: string}} Snapshot
 * @typedef {{seq: number, now: number, tiles: (Partial<Tile> & {id: number})[], progress?: number[], cost: string}} Delta
 *   `progress` is a flat list of id and percent, for tiles of which nothing else changed
 */

/** What the wall knows of its sweep: one snapshot, then changes in order. */
export class Store {
  /** @type {Map<number, Tile>} */
  tiles = new Map();
  /** @type {Axis[]} */
  axes = [];
  name = "";
  folder = "";
  cost = "";
  ticker = new Ticker();
  #seq = -1;
  #gap = false;
  /** @type {Set<(changed: number[] | null) => void>} */
  #listeners = new Set();

  /**
   * @param {(changed: number[] | null) => void} listener gets the ids that changed, null for all
   * @param {AbortSignal} signal ends it
   */
  subscribe(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /**
   * @param {Snapshot} snapshot
   * @param {number} heard milliseconds
   */
  load(snapshot, heard) {
    if (snapshot.seq < this.#seq || (snapshot.seq === this.#seq && !this.#gap)) return;
    this.#seq = snapshot.seq;
    this.#gap = false;
    this.axes = snapshot.axes;
    this.name = snapshot.name;
    this.folder = snapshot.folder;
    this.cost = snapshot.cost;
    this.tiles = new Map(snapshot.tiles.map((tile) => [tile.id, tile]));
    this.ticker.hear(snapshot.now, heard);
    this.#tell(null);
  }

  /**
   * @param {Delta} delta
   * @param {number} heard milliseconds
   * @returns {boolean} false when an earlier message was lost, so that a snapshot is due
   */
  apply(delta, heard) {
    if (delta.seq <= this.#seq) return true;
    this.#gap ||= delta.seq !== this.#seq + 1;
    this.#seq = delta.seq;
    this.cost = delta.cost;
    this.ticker.hear(delta.now, heard);
    const { progress = [] } = delta;
    const moved = progress.flatMap((id, at) => (at % 2 ? [] : [{ id, progress: progress[at + 1] }]));
    const known = [...delta.tiles, ...moved].filter(({ id }) => this.tiles.has(id));
    for (const change of known) Object.assign(/** @type {Tile} */ (this.tiles.get(change.id)), change);
    this.#tell(known.map(({ id }) => id));
    return !this.#gap;
  }

  /**
   * Guess how long the server takes for a clip, from those that are done: of the same model and length where there are any.
   *
   * @param {Tile} tile
   * @returns {number | null} the middle of what the others took, in seconds
   */
  expected(tile) {
    const alike = (/** @type {Tile} */ other) => ["duration", "model"].every((axis) => this.label(other, axis) === this.label(tile, axis));
    const known = [...this.tiles.values()].filter(({ service }) => service);
    const near = known.filter(alike);
    const took = (near.length ? near : known).map(({ service }) => Number(service)).sort((a, b) => a - b);
    return took.length ? took[took.length >> 1] : null;
  }

  /**
   * @param {Tile} tile
   * @param {string} axis name
   * @returns {string} its label there, empty when there is no such axis
   */
  label(tile, axis) {
    const at = this.axes.findIndex(({ name }) => name === axis);
    return at < 0 ? "" : this.axes[at].labels[tile.at[at]];
  }

  /** @param {number[] | null} changed */
  #tell(changed) {
    for (const listener of this.#listeners) listener(changed);
  }
}
