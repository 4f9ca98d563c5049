/**
 * Lets a few loads run at a time, and only so many players live.
 *
 * A key is waiting, loading or live. Order of arrival is kept.
 */
export class LoadQueue {
  /** @type {Map<number, {weight: number, start: () => void}>} */
  #waiting = new Map();
  /** @type {Map<number, number>} weights */
  #loading = new Map();
  /** @type {Map<number, number>} weights */
  #live = new Map();
  #inFlight;
  #most;
  #held = false;

  /**
   * @param {number} inFlight loads at a time
   * @param {number} most weight of the players at a time, loading ones included
   */
  constructor(inFlight, most) {
    this.#inFlight = inFlight;
    this.#most = most;
  }

  get counts() {
    return { waiting: this.#waiting.size, loading: this.#loading.size, live: this.#live.size };
  }

  /**
   * @param {number} key
   * @param {() => void} start called once, when its turn comes
   * @param {number} [weight] how much of the machine its player takes
   */
  want(key, start, weight = 1) {
    if (this.#waiting.has(key) || this.#loading.has(key) || this.#live.has(key)) return;
    this.#waiting.set(key, { weight, start });
    this.#advance();
  }

  /**
   * Its load ended, well or badly: the next may start.
   *
   * @param {number} key
   */
  loaded(key) {
    const weight = this.#loading.get(key);
    if (weight === undefined) return;
    this.#loading.delete(key);
    this.#live.set(key, weight);
    this.#advance();
  }

  /**
   * It is not wanted any more.
   *
   * @param {number} key
   */
  drop(key) {
    this.#waiting.delete(key);
    this.#loading.delete(key);
    this.#live.delete(key);
    this.#advance();
  }

  /** @param {boolean} yes start nothing for now; what loads goes on */
  hold(yes) {
    this.#held = yes;
    this.#advance();
  }

  #advance() {
    while (!this.#held && this.#loading.size < this.#inFlight) {
      const next = this.#waiting.entries().next();
      if (next.done) return;
      const [key, { weight, start }] = next.value;
      if (this.#weight + weight > this.#most) return;
      this.#waiting.delete(key);
      this.#loading.set(key, weight);
      start();
    }
  }

  get #weight() {
    return [...this.#loading.values(), ...this.#live.values()].reduce((sum, weight) => sum + weight, 0);
  }
}
