/** The one clock that every player of a wall follows. Positions are seconds, `now` is in milliseconds. */
export class StepClock {
  #base = 0;
  /** @type {number | null} */
  #since = null;

  #length = 0;
  loop = true;

  /** Seconds until the longest clip ends. */
  get length() {
    return this.#length;
  }

  /**
   * Take up a longer or shorter loop without a jump.
   *
   * @param {number} length seconds
   * @param {number} now
   */
  resize(length, now) {
    this.#base = Math.min(this.at(now), length);
    if (this.playing) this.#since = now;
    this.#length = length;
  }

  get playing() {
    return this.#since !== null;
  }

  /**
   * @param {number} now
   * @returns {number} where every clip ought to be
   */
  at(now) {
    const position = this.#base + (this.#since === null ? 0 : (now - this.#since) / 1000);
    if (this.#length <= 0) return 0;
    if (position < this.#length) return position;
    return this.loop && this.playing ? position % this.#length : this.#length;
  }

  /** @param {number} now */
  play(now) {
    const start = this.at(now);
    this.#base = start >= this.#length - 0.02 ? 0 : start;
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
    return this.playing && !this.loop && this.at(now) >= this.#length;
  }
}

/**
 * How far a player is ahead of the clock, the short way round the loop.
 *
 * @param {number} time the player's own
 * @param {number} position the clock's
 * @param {number} length of the loop
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
