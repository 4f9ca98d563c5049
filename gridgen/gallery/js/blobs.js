/** Addresses of blobs, the least recently used given back once they hold too much. */
export class BlobCache {
  /** @type {Map<string, {url: string, bytes: number, users: number}>} */
  #held = new Map();
  #most;

  /** @param {number} most bytes to keep; what is in use is kept beyond it */
  constructor(most) {
    this.#most = most;
  }

  get bytes() {
    return [...this.#held.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * @param {string} key
   * @returns {string | undefined} its address, now in use once more
   */
  take(key) {
    const entry = this.#held.get(key);
    if (!entry) return undefined;
    this.#held.delete(key);
    this.#held.set(key, entry);
    entry.users += 1;
    return entry.url;
  }

  /**
   * @param {string} key
   * @param {Blob} blob
   */
  put(key, blob) {
    this.#held.set(key, { url: URL.createObjectURL(blob), bytes: blob.size, users: 0 });
    this.#trim(key);
  }

  /** @param {string} key one user less */
  free(key) {
    const entry = this.#held.get(key);
    if (entry) entry.users = Math.max(0, entry.users - 1);
  }

  clear() {
    for (const { url } of this.#held.values()) URL.revokeObjectURL(url);
    this.#held.clear();
  }

  /** @param {string} newest the one that has had no chance of a user */
  #trim(newest) {
    let bytes = this.bytes;
    for (const [key, entry] of this.#held) {
      if (bytes <= this.#most) return;
      if (entry.users > 0 || key === newest) continue;
      URL.revokeObjectURL(entry.url);
      this.#held.delete(key);
      bytes -= entry.bytes;
    }
  }
}
