import { Ticker } from "./clock.js";
import { notify } from "./notify.js";
import { learnStates } from "./status_texts.js";

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
 * @property {string | null} [small] a smaller preview, for small tiles
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [fps]
 * @property {number | null} [seconds] length of the clip
 * @property {number | null} [bytes]
 * @property {number | null} [rating] stars, on average over all who gave some
 * @property {boolean | null} [pick] what most of them say: picked or rejected
 * @property {string | null} [tags] of all of them
 * @property {string | null} [note] of all of them
 * @property {import("./judging.js").Opinion | null} [said] what the person who looks at it says
 * @property {string} [clip] its name in ratings files
 * @property {string | null} [task] the server's name for it, where a page tells
 * @typedef {{seq: number, now: number, name: string, folder: string | null, mark?: string | null, lettered?: boolean, speed?: number | null, axes: Axis[], tiles: Tile[], cost: string,
 *   choices?: number[][], states?: Record<string, import("./status_texts.js").Meaning>}} Snapshot `lettered` where prompt and parameters stand at the foot of each picture; `choices` are blind rounds: left, right, position in OUTCOMES
 * @typedef {{seq: number, now: number, tiles: (Partial<Tile> & {id: number})[], progress?: number[], cost: string, mark?: string}} Delta
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
  /** @type {string | null} what a file in the folder says, which no copy of the folder does */
  mark = null;
  cost = "";
  lettered = false;
  /** @type {number | null} how many seconds of the sweep's clock pass in one of a person's, null where nobody knows */
  speed = 1;
  /** @type {number[][]} */
  choices = [];
  /** @type {Map<number, Partial<Tile>>} what a person did, and nobody has confirmed yet */
  #ahead = new Map();
  /** @type {Map<number, number>} the last change that cannot know what was said of a clip, by clip */
  #outdated = new Map();
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
    learnStates(snapshot.states);
    this.axes = snapshot.axes;
    this.name = snapshot.name;
    this.folder = snapshot.folder ?? "";
    this.mark = snapshot.mark ?? null;
    this.cost = snapshot.cost;
    this.lettered = snapshot.lettered ?? false;
    this.speed = snapshot.speed === undefined ? 1 : snapshot.speed;
    this.choices = snapshot.choices ?? this.choices;
    this.tiles = new Map(snapshot.tiles.map((tile) => [tile.id, Object.assign(tile, this.#later(tile.id, snapshot.seq))]));
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
    this.mark = delta.mark ?? this.mark;
    this.ticker.hear(delta.now, heard);
    const { progress = [] } = delta;
    const moved = progress.flatMap((id, at) => (at % 2 ? [] : [{ id, progress: progress[at + 1] }]));
    const known = [...delta.tiles, ...moved].filter(({ id }) => this.tiles.has(id));
    for (const change of known) Object.assign(/** @type {Tile} */ (this.tiles.get(change.id)), change, this.#later(change.id, delta.seq));
    this.#tell(known.map(({ id }) => id));
    return !this.#gap;
  }

  /**
   * Show what a person did before it is confirmed; what Python says of it meanwhile is older.
   *
   * @param {number} id
   * @param {Partial<Tile>} change
   */
  amend(id, change) {
    this.#ahead.set(id, { ...this.#ahead.get(id), ...change });
    Object.assign(/** @type {Tile} */ (this.tiles.get(id)), change);
    this.#tell([id]);
  }

  /**
   * Show what was said of a clip in the end.
   *
   * @param {number} id
   * @param {Tile["said"]} said
   * @param {number} [seq] of the last change that cannot know of it; such a one may still be on its way
   */
  settle(id, said, seq = -1) {
    this.#ahead.delete(id);
    this.#outdated.set(id, seq);
    Object.assign(/** @type {Tile} */ (this.tiles.get(id)), { said });
    this.#tell([id]);
  }

  /**
   * @param {number} id
   * @param {number} seq of a message
   * @returns {Partial<Tile> | undefined} what is known of a clip that the message cannot know
   */
  #later(id, seq) {
    const { said } = this.tiles.get(id) ?? {};
    return this.#ahead.get(id) ?? (seq <= (this.#outdated.get(id) ?? -1) ? { said } : undefined);
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
    notify(this.#listeners, changed);
  }
}
