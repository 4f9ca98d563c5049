/**
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {"poster" | "preview" | "small" | "path"} What
 * @typedef {object} Source one place that has files of clips
 * @property {(tile: Tile, what: What, signal: AbortSignal) => Promise<string | null>} url null where it does not have it
 * @property {(tile: Tile, what: What) => Promise<string | null>} address one that lasts, for a link; null where it has none
 * @property {(tile: Tile, what: What) => void} free a user of `url` less
 * @property {(tile: Tile) => Promise<string>} [missed] why a file that it had an address for could not be read, "" where it knows nothing
 * @property {() => void} close gives back all that it holds
 */

/** Where the bytes of posters and clips come from: the first source that has them. */
export class Media {
  #sources;

  /** @param {...Source} sources the best first */
  constructor(...sources) {
    this.#sources = sources;
  }

  /**
   * Find an address for one file of a tile. Give it back with `free`.
   *
   * @param {Tile} tile
   * @param {What} what
   * @param {AbortSignal} signal stops waiting
   * @returns {Promise<string>}
   * @throws {Error} with the source's reason, or an AbortError
   */
  async url(tile, what, signal) {
    for (const source of this.#sources) {
      const found = await source.url(tile, what, signal);
      if (found) return found;
    }
    throw new Error("its file is not here");
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @returns {Promise<string | null>} an address that outlives the page, null where there is none
   */
  async address(tile, what) {
    for (const source of this.#sources) {
      const found = await source.address(tile, what);
      if (found) return found;
    }
    return null;
  }

  /**
   * @param {Tile} tile one of whose files could not be played
   * @returns {Promise<string>} why, where it is for want of the file; "" where that is not known
   */
  async missed(tile) {
    for (const source of this.#sources) {
      const reason = await source.missed?.(tile);
      if (reason) return reason;
    }
    return "";
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  free(tile, what) {
    for (const source of this.#sources) source.free(tile, what);
  }

  close() {
    for (const source of this.#sources) source.close();
  }
}
