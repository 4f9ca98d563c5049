/**
 * @typedef {import("./state.js").Mode} Mode
 * @typedef {{time: number, pace: number, over: boolean}} Goal where one clip ought to be, its speed against the clock, 0 while
 *   it waits to begin, and whether it has ended before the others
 */

/** The one clock that every player of a wall follows. Positions are seconds, `now` is in milliseconds. */
export class StepClock {
  #base = 0;
  /** @type {number | null} */
  #since = null;
  #length = 0;
  #speed = 1;
  /** @type {number[]} */
  #range = [];
  loop = true;

  /** Seconds until the end. */
  get length() {
    return this.#length;
  }

  get speed() {
    return this.#speed;
  }

  /** @returns {number} seconds where a loop begins */
  get from() {
    return this.#range.length ? Math.min(this.#range[0], this.#length) : 0;
  }

  /** @returns {number} seconds where a loop ends */
  get to() {
    return this.#range.length ? Math.min(this.#range[1], this.#length) : this.#length;
  }

  /** @returns {boolean} whether less than the whole is looped */
  get partial() {
    return this.from > 0 || this.to < this.#length;
  }

  get playing() {
    return this.#since !== null;
  }

  /**
   * Take up another length, speed or range without a jump.
   *
   * @param {{length?: number, speed?: number, range?: number[]}} changes seconds, seconds of clip per second
   * @param {number} now
   */
  adjust({ length = this.#length, speed = this.#speed, range = this.#range }, now) {
    this.#base = Math.min(this.at(now), length);
    if (this.playing) this.#since = now;
    [this.#length, this.#speed, this.#range] = [length, speed, range];
  }

  /**
   * @param {number} now
   * @returns {number} where every clip ought to be
   */
  at(now) {
    const position = this.#base + (this.#since === null ? 0 : ((now - this.#since) / 1000) * this.#speed);
    if (this.#length <= 0) return 0;
    if (!this.playing) return Math.min(position, this.#length);
    const { from, to } = this;
    if (position < to) return position;
    return this.loop && to > from ? from + ((position - from) % (to - from)) : to;
  }

  /** @param {number} now */
  play(now) {
    const start = this.at(now);
    this.#base = start >= this.to - 0.02 || start < this.from ? this.from : start;
    this.#since = now;
  }

  /** @param {number} now */
  pause(now) {
    this.#base = this.at(now);
    this.#since = null;
  }

  /**
   * @param {number} position
   * @param {number} now
   */
  seek(position, now) {
    this.#base = Math.min(Math.max(position, 0), this.#length);
    if (this.playing) this.#since = now;
  }

  /**
   * @param {number} now
   * @returns {boolean} whether it ran out, as it only does without a loop
   */
  ended(now) {
    return this.playing && !this.loop && this.at(now) >= this.to;
  }
}

/**
 * @param {Mode} mode
 * @param {number[]} lengths of the clips, in seconds
 * @returns {number} seconds until all begin again
 */
export function lengthOf(mode, lengths) {
  if (!lengths.length) return 0;
  return mode === "shortest" ? Math.min(...lengths) : Math.max(...lengths);
}

/**
 * Say where one clip ought to be.
 *
 * @param {Mode} mode
 * @param {number} position the clock's
 * @param {number} length the clock's
 * @param {number} duration the clip's
 * @param {number} [shift] seconds by which it is to be ahead
 * @returns {Goal}
 */
export function goalOf(mode, position, length, duration, shift = 0) {
  const pace = mode === "percent" && length > 0 ? duration / length : 1;
  const time = position * pace + shift;
  const end = (duration - shift) / pace;
  const over = position >= end && (shift !== 0 || end < length - 0.05);
  return { time: Math.min(Math.max(time, 0), duration), pace: time < 0 ? 0 : pace, over };
}

/**
 * Say where the clock stands when one clip shows a moment of its own: the other way round than `goalOf`.
 *
 * @param {Mode} mode
 * @param {number} time the clip's
 * @param {number} length the clock's
 * @param {number} duration the clip's
 * @param {number} [shift] seconds by which it is ahead
 * @returns {number} seconds; outside of the clock's length where it never comes to that
 */
export function positionOf(mode, time, length, duration, shift = 0) {
  return mode === "percent" && duration > 0 ? ((time - shift) / duration) * length : time - shift;
}

/**
 * How far a player is ahead of the clock, the short way round the loop.
 *
 * @param {number} time the player's own
 * @param {number} position the clock's
 * @param {number} length of the loop, 0 for a player that does not go round by itself
 * @returns {number} seconds; negative when it lags
 */
export function drift(time, position, length) {
  const ahead = time - position;
  if (length <= 0 || Math.abs(ahead) <= length / 2) return ahead;
  return ahead - Math.sign(ahead) * length;
}

const EXACT = 0.012;
const JUMP = 0.4;

/**
 * Decide how a player comes back into step: gently by its rate, or by a jump when far off.
 *
 * @param {number} ahead seconds, as `drift` gives
 * @returns {{seek: boolean, rate: number}}
 */
export function correction(ahead) {
  if (Math.abs(ahead) < EXACT) return { seek: false, rate: 1 };
  if (Math.abs(ahead) > JUMP) return { seek: true, rate: 1 };
  const pull = Math.min(Math.max(ahead / 0.6, -0.25), 0.25);
  return { seek: false, rate: Math.round((1 - pull) * 100) / 100 };
}

/**
 * Find the position one frame on or back.
 *
 * @param {number} position seconds
 * @param {number} fps of the clip with the most
 * @param {number} by frames, negative for back
 * @returns {number} seconds, in the middle of the frame, so that rounding never shows its neighbour
 */
export function frameStep(position, fps, by) {
  return Math.max(0, Math.floor(position * fps + 1e-3) + by + 0.5) / fps;
}

/** Learns how fast the sweep's clock runs against ours, since a simulator's may be hurried. */
export class Ticker {
  #now = 0;
  #heard = 0;
  #first = { now: 0, heard: 0 };
  rate = 1;

  /**
   * @param {number} now the sweep's Unix time in seconds
   * @param {number} heard our own milliseconds when it was said
   */
  hear(now, heard) {
    if (!this.#heard || now < this.#now) this.#first = { now, heard };
    [this.#now, this.#heard] = [now, heard];
    const passed = (heard - this.#first.heard) / 1000;
    if (passed > 0.5) this.rate = (now - this.#first.now) / passed;
  }

  /**
   * @param {number} at our own milliseconds
   * @returns {number} the sweep's Unix time, never more than two of our seconds beyond what was said
   */
  time(at) {
    return this.#now + Math.min(Math.max(at - this.#heard, 0) / 1000, 2) * this.rate;
  }
}
