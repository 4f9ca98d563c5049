import { notify } from "./notify.js";

/**
 * @typedef {"time" | "percent" | "shortest" | "each"} Mode how clips of unequal length keep step
 * @typedef {"shape" | "scale" | "box"} Fit tiles shaped like their clips, drawn to one scale, or all alike
 * @typedef {object} Look all that a person chose of the view
 * @property {string[]} rows axis names, outermost first
 * @property {string[]} cols axis names, outermost first
 * @property {Record<string, string>} tabs the one label shown of an axis that is neither; all of it where absent
 * @property {string} cycle axis whose tabs take turns, empty for none
 * @property {string} filter clauses as `select.js` reads them; empty for all
 * @property {string} sort name of a column, with a minus before it to begin with the largest; empty for grid order
 * @property {number} speed
 * @property {Mode} mode
 * @property {boolean} loop
 * @property {number[]} range seconds between which all loop; empty for the whole length
 * @property {Fit} fit
 * @property {number} tile width of a 16:9 clip in pixels; 0 fills the width
 * @property {number[]} pins ids of the clips put aside to be compared, in order
 * @property {Record<string, number>} shift frames by which clips are ahead of the others where they are compared, by id
 * @property {boolean} playing
 * @property {boolean} muted
 * @property {number} solo id of the one clip that may sound, -1 for none
 * @property {number[]} selected ids of the clips that are selected, in the order of selecting
 * @typedef {{read: (text: string) => any, write: (value: any) => string, initial: any}} Codec
 */

/** @type {Record<string, Codec>} Fields that the short text holds, each with how it is spelled there. */
const WRITTEN = {
  rows: names(),
  cols: names(),
  tabs: { initial: {}, read: readTabs, write: writeTabs },
  cycle: anyText(),
  filter: anyText(),
  sort: anyText(),
  speed: between(1, 0.25, 2),
  mode: oneOf("time", "percent", "shortest", "each"),
  loop: { initial: true, read: (spelled) => spelled !== "no", write: (value) => (value ? "yes" : "no") },
  range: { initial: [], read: readRange, write: (value) => value.join("-") },
  fit: oneOf("shape", "scale", "box"),
  tile: { initial: 0, read: readTile, write: String },
  pins: { initial: [], read: readPins, write: (value) => value.join() },
  shift: { initial: {}, read: readShift, write: (value) => Object.entries(value).map((pair) => pair.join(":")).join() },
};
const UNWRITTEN = { playing: false, muted: true, solo: -1, selected: /** @type {number[]} */ ([]) };

/** The one place that knows how the wall is looked at. It reads and writes itself as a short text. */
export class ViewState {
  /** @type {Look} */
  #now;
  #initial;
  /** @type {Set<(changed: Set<string>) => void>} */
  #listeners = new Set();

  /** @param {Partial<Look>} [initial] what the short text need not say */
  constructor(initial = {}) {
    const written = Object.fromEntries(Object.entries(WRITTEN).map(([name, codec]) => [name, codec.initial]));
    this.#initial = /** @type {Look} */ ({ ...written, ...UNWRITTEN, ...initial });
    this.#now = this.#initial;
  }

  /** @returns {Readonly<Look>} */
  get now() {
    return this.#now;
  }

  /** @param {Partial<Look>} changes */
  set(changes) {
    const differs = (/** @type {string} */ name) =>
      JSON.stringify(/** @type {any} */ (changes)[name]) !== JSON.stringify(/** @type {any} */ (this.#now)[name]);
    const changed = new Set(Object.keys(changes).filter(differs));
    if (!changed.size) return;
    this.#now = { ...this.#now, ...changes };
    notify(this.#listeners, changed);
  }

  /**
   * @param {(changed: Set<string>) => void} listener gets the names of what changed
   * @param {AbortSignal} signal ends it
   */
  subscribe(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** What differs from the beginning, such as `rows=size&mode=percent`; fit for an address. */
  get text() {
    const now = /** @type {Record<string, any>} */ (this.#now);
    const first = /** @type {Record<string, any>} */ (this.#initial);
    const spelled = Object.entries(WRITTEN)
      .map(([name, codec]) => [name, codec.write(now[name]), codec.write(first[name])])
      .filter(([, value, initial]) => value !== initial);
    return spelled.map(([name, value]) => `${name}=${quote(value)}`).join("&");
  }

  /** @param {string} text as `text` gives; what cannot be read is as in the beginning */
  load(text) {
    const found = new Map(text.replace(/^#/, "").split("&").map(halves));
    const first = /** @type {Record<string, any>} */ (this.#initial);
    const read = Object.entries(WRITTEN).map(([name, codec]) => {
      const spelled = found.get(name);
      return [name, (spelled === undefined ? undefined : codec.read(spelled)) ?? first[name]];
    });
    this.set(Object.fromEntries(read));
  }
}

/** @returns {Codec} */
function anyText() {
  return { initial: "", read: (spelled) => spelled, write: (value) => value };
}

/** @returns {Codec} */
function names() {
  const read = (/** @type {string} */ spelled) => [...new Set(spelled.split(",").filter(Boolean).map(unquote))];
  return { initial: [], read, write: (value) => value.map(encodeURIComponent).join() };
}

/** @param {...string} allowed the first is where it begins @returns {Codec} */
function oneOf(...allowed) {
  return { initial: allowed[0], read: (spelled) => (allowed.includes(spelled) ? spelled : undefined), write: String };
}

/** @param {number} initial @param {number} least @param {number} most @returns {Codec} */
function between(initial, least, most) {
  const inside = (/** @type {number} */ value) => value >= least && value <= most;
  return { initial, read: (spelled) => (inside(Number(spelled)) ? Number(spelled) : undefined), write: String };
}

/** @param {string} spelled @returns {number[] | undefined} */
function readRange(spelled) {
  const ends = spelled.split("-").map(Number);
  return ends.length === 2 && ends[0] >= 0 && ends[1] > ends[0] ? ends : undefined;
}

/** @param {string} spelled @returns {number | undefined} */
function readTile(spelled) {
  const wide = Math.round(Number(spelled));
  return wide >= 64 && wide <= 640 ? wide : undefined;
}

/** @param {string} spelled @returns {number[]} */
function readPins(spelled) {
  return [...new Set(spelled.split(",").filter(Boolean).map(Number).filter(Number.isInteger))].slice(0, 4);
}

/** @param {string} spelled @returns {Record<string, number>} */
function readShift(spelled) {
  const pairs = [...spelled.matchAll(/(?:^|,)(\d{1,9}):(-?\d{1,4})(?=,|$)/g)].map(([, id, frames]) => [id, Number(frames)]);
  return Object.fromEntries(pairs.filter(([, frames]) => frames).slice(0, 4));
}

/** @param {string} spelled @returns {Record<string, string>} */
function readTabs(spelled) {
  const pairs = spelled.split(",").map((pair) => pair.split(":").map(unquote));
  return Object.fromEntries(pairs.filter((pair) => pair.length === 2 && pair[0]));
}

/** @param {Record<string, string>} tabs @returns {string} */
function writeTabs(tabs) {
  return Object.entries(tabs).map((pair) => pair.map(encodeURIComponent).join(":")).join();
}

/** @param {string} part @returns {[string, string]} */
function halves(part) {
  const at = part.indexOf("=");
  return at < 0 ? [part, ""] : [part.slice(0, at), unquote(part.slice(at + 1))];
}

/**
 * Quote what would end a field. Commas and colons stay, since an item of a list has quoted its own.
 *
 * @param {string} value
 * @returns {string}
 */
function quote(value) {
  return encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/** @param {string} spelled @returns {string} as it is where it was not quoted by us */
function unquote(spelled) {
  try {
    return decodeURIComponent(spelled);
  } catch {
    return spelled;
  }
}
