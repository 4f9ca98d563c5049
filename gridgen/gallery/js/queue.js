/**
 * Lets a few loads run at a time, and only so many players live.
 *
 * A key is waiting, loading or live. Order of arrival is kept.
 */
export class LoadQueue {
  /** @type {Map<number, () => void>} */
  #waiting = new Map();
  /** @type {Set<number>} */
  #loading = new Set();
  /** @type {Set<number>} */
  #live = new Set();
  #inFlight;
  #most;

  /**
   * @param {number} inFlight loads at a time
   * @param {number} most players at a time, loading ones included
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
   */
  want(key, start) {
    if (this.#waiting.has(key) || this.#loading.has(key) || this.#live.has(key)) return;
    this.#waiting.set(key, start);
    this.#advance();
  }

  /**
   * Its load ended, well or badly: the next may start.
   *
   * @param {number} key
   */
  loaded(key) {
    if (!this.#loading.delete(key)) return;
    this.#live.add(key);
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

  #advance() {
    while (this.#loading.size < this.#inFlight && this.#loading.size + this.#live.size < this.#most) {
      const next = this.#waiting.entries().next();
      if (next.done) return;
      const [key, start] = next.value;
      this.#waiting.delete(key);
      this.#loading.add(key);
      start();
    }
  }
}
