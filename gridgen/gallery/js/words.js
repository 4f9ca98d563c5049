/**
 * @typedef {"idle" | "busy" | "warn" | "bad" | "good"} Tone
 */

/** @type {Record<string, {tone: Tone, says: string}>} What each state means, in the words of a tile. */
export const STATES = {
  skipped: { tone: "idle", says: "Left out of this sweep." },
  planned: { tone: "idle", says: "Not sent yet." },
  held: { tone: "warn", says: "Held back: nothing was sent." },
  sending: { tone: "busy", says: "" },
  unknown: { tone: "warn", says: "Sent, but the answer was lost: it may be billed. It is not sent again." },
  queued: { tone: "busy", says: "" },
  running: { tone: "busy", says: "" },
  stalled: { tone: "warn", says: "No news for long. It is still followed." },
  downloading: { tone: "busy", says: "" },
  done: { tone: "good", says: "" },
  failed: { tone: "bad", says: "The server made no video." },
  rejected: { tone: "bad", says: "The server refused the request." },
  expired: { tone: "bad", says: "The link died before the file was saved." },
  missing: { tone: "bad", says: "The file is no longer in the folder." },
  lost: { tone: "bad", says: "The server no longer knows this task." },
};

/** @type {Tone[]} The order of tones in a bar, from finished to not begun. */
export const TONES = ["good", "busy", "warn", "bad", "idle"];

/** States after which nothing more happens by itself. */
const SETTLED = new Set(["skipped", "held", "unknown", "done", "failed", "rejected", "expired", "missing", "lost"]);

/**
 * @param {string} status
 * @returns {Tone}
 */
export function toneOf(status) {
  return STATES[status]?.tone ?? "warn";
}

/**
 * @param {string} status
 * @returns {boolean} whether nothing more happens to it by itself
 */
export function isSettled(status) {
  return SETTLED.has(status);
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
 * Write an amount of US dollars: two decimals, more where they count.
 *
 * @param {string | null | undefined} amount decimal text, as Python wrote it
 * @returns {string} empty when there is no amount
 */
export function money(amount) {
  if (amount === null || amount === undefined || amount === "") return "";
  const [whole, cents = ""] = Number(amount).toFixed(4).split(".");
  return `$${whole}.${cents.slice(0, 2)}${cents.slice(2).replace(/0+$/, "")}`;
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
  const order = Object.keys(STATES);
  const rank = (/** @type {string} */ status) => TONES.indexOf(toneOf(status)) * 100 + order.indexOf(status);
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

/** The labels of axes whose bare value does not speak for itself. */
const UNITS = /** @type {Record<string, (label: string) => string>} */ ({
  duration: (label) => `${label} s`,
  take: (label) => `take ${label}`,
});

/**
 * Say a value of an axis so that it stands alone, as in a caption.
 *
 * @param {string} axis
 * @param {string} label
 * @returns {string}
 */
export function speak(axis, label) {
  return UNITS[axis]?.(label) ?? label;
}
