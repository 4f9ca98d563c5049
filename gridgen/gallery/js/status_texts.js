/**
 * @typedef {"idle" | "busy" | "warn" | "bad" | "good"} Tone
 */

/**
 * @typedef {object} Meaning what Python says of a state
 * @property {Tone} tone
 * @property {string} says in one sentence
 * @property {boolean} plain whether the word alone says enough in a tile
 * @property {boolean} settled whether nothing more happens by itself
 * @property {number} at its place in a cell's life
 */

/** @type {Map<string, Meaning>} */
const meanings = new Map();

/** @param {Record<string, Meaning>} [told] the states by their names, which Python alone knows */
export function learnStates(told = {}) {
  for (const [status, meaning] of Object.entries(told)) meanings.set(status, meaning);
}

/** @type {Tone[]} The order of tones in a bar, from finished to not begun. */
export const TONES = ["good", "busy", "warn", "bad", "idle"];

/**
 * @param {string} status
 * @returns {Tone}
 */
export function toneOf(status) {
  return meanings.get(status)?.tone ?? "warn";
}

/**
 * @param {string} status
 * @returns {boolean} whether nothing more happens to it by itself
 */
export function isFinal(status) {
  return meanings.get(status)?.settled ?? false;
}

/**
 * @param {string} status
 * @returns {string} what it means, empty where the word alone says it
 */
export function meaningOf(status) {
  const meaning = meanings.get(status);
  return meaning && !meaning.plain ? meaning.says : "";
}

/**
 * @param {string} status
 * @returns {number} its place in a cell's life, -1 for a word that nobody knows
 */
export function orderOf(status) {
  return meanings.get(status)?.at ?? -1;
}

/**
 * Say a stretch of time as people do: `8 s`, `2:05`, `1:02:09`.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/**
 * Say a stretch of a sweep's time as a person lives through it, at least a second; where nobody knows how fast the
 * sweep's clock runs, say that it is simulated.
 *
 * @param {number} seconds of the sweep's clock
 * @param {number | null} speed how many of them pass in one of a person's
 * @returns {string}
 */
export function lasting(seconds, speed) {
  return speed === null ? `${elapsed(seconds)} simulated` : elapsed(Math.max(1, seconds / speed));
}

/**
 * Say how long a clip has taken, and how long it may take as long as that is still ahead.
 *
 * @param {string} status
 * @param {number} seconds since it was submitted
 * @param {number | null} expected seconds that the server takes for one like it; not for its download
 * @param {number | null} speed of the clock that counts both
 * @returns {string}
 */
export function waited(status, seconds, expected, speed) {
  const about = expected && seconds < expected && status !== "downloading" ? ` of about ${lasting(expected, speed)}` : "";
  return (speed === null ? lasting(seconds, speed) : elapsed(seconds / speed)) + about;
}

/**
 * Write an amount of US dollars as `gridgen.money.dollars` does: in cents, below ten of them with two digits that count.
 *
 * @param {string | null | undefined} amount decimal text, as Python wrote it
 * @returns {string} empty when there is no amount
 */
export function money(amount) {
  if (amount === null || amount === undefined || amount === "") return "";
  const size = Number(amount) && Math.max(1e-6, Math.abs(Number(amount)));
  const places = size && size < 0.1 ? Math.min(6, 1 - Number(size.toExponential().split("e")[1])) : 2;
  // half a cent is rounded up in decimals, and no binary fraction is one
  const [whole, cents] = (size * (1 + 1e-12)).toFixed(places).split(".");
  return `${Number(amount) < 0 ? "-" : ""}$${whole}.${cents.slice(0, 2)}${cents.slice(2).replace(/0+$/, "")}`;
}

/**
 * Write a size in bytes.
 *
 * @param {number} bytes
 * @returns {string}
 */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Count what there is by state, from finished to not begun.
 *
 * @param {Iterable<{status: string}>} tiles
 * @returns {[string, number][]}
 */
export function countStates(tiles) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const { status } of tiles) found.set(status, (found.get(status) ?? 0) + 1);
  const rank = (/** @type {string} */ status) => TONES.indexOf(toneOf(status)) * 100 + orderOf(status);
  return [...found].sort(([a], [b]) => rank(a) - rank(b));
}

/**
 * Say where a sweep stands in one line for a screen reader.
 *
 * @param {[string, number][]} counts
 * @returns {string}
 */
export function announce(counts) {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const of = (/** @type {string} */ tone) =>
    counts.filter(([status]) => toneOf(status) === tone).reduce((sum, [, count]) => sum + count, 0);
  const failed = of("bad") ? `, ${of("bad")} failed` : "";
  return `${of("good")} of ${total} done${failed}`;
}

/** How the bare values of some axes are said. */
const UNITS = /** @type {Record<string, (label: string) => string>} */ ({
  duration: (label) => `${label} s`,
  take: (label) => `take ${label}`,
});

/**
 * Say a value of an axis so that it stands alone, as in a caption; a label that a person gave it stays.
 *
 * @param {string} axis
 * @param {string} label
 * @returns {string}
 */
export function speak(axis, label) {
  return /^-?\d+$/.test(label) ? (UNITS[axis]?.(label) ?? label) : label;
}
