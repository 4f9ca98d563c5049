/**
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./link.js").Link} Link
 * @typedef {"poster" | "preview" | "path"} What
 */

const TYPES = { poster: "image/webp", preview: "video/mp4", path: "video/mp4" };

/**
 * Name the folders, relative to the Jupyter server's root, where a sweep's folder may lie.
 *
 * The kernel does not know the server's root, so the notebook's own place is read
 * from the page's address, as JupyterLab and Notebook 7 write it.
 *
 * @param {string} pathname of the page
 * @param {string} baseUrl of the server, such as `/user/me/`
 * @param {string} folder relative to the notebook
 * @returns {string[][]} path segments, likeliest first; hidden folders, which are never served, left out
 */
export function candidates(pathname, baseUrl, folder) {
  const route = pathname.startsWith(baseUrl) ? pathname.slice(baseUrl.length) : "";
  const found = /^(?:(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree|notebooks|tree)\/(.+)$/.exec(route);
  const notebook = (found?.[1] ?? "").split("/").filter(Boolean).map(decodeURIComponent);
  const places = notebook.map((_, depth) => notebook.slice(0, notebook.length - 1 - depth));
  /** @type {Map<string, string[]>} */
  const unique = new Map();
  for (const place of [...places, []]) {
    const path = resolve(place, folder);
    if (path && !path.some((part) => part.startsWith("."))) unique.set(path.join("/"), path);
  }
  return [...unique.values()];
}

/**
 * @param {string[]} place
 * @param {string} relative
 * @returns {string[] | null} null when it leads above the root
 */
function resolve(place, relative) {
  const path = [...place];
  for (const part of relative.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") path.push(part);
    else if (path.pop() === undefined) return null;
  }
  return path;
}

/**
 * @param {string} baseUrl
 * @param {string[]} path
 * @param {string} cookies
 * @returns {string} address on the server's files route; the token in it stands in for a missing Referer
 */
export function fileUrl(baseUrl, path, cookies) {
  const token = /(?:^|;\s*)_xsrf=([^;]+)/.exec(cookies)?.[1];
  const query = token ? `?_xsrf=${encodeURIComponent(decodeURIComponent(token))}` : "";
  return `${baseUrl}files/${path.map(encodeURIComponent).join("/")}${query}`;
}

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

/** Where the bytes of posters and clips come from: the server's files route, else the kernel. */
export class Media {
  #store;
  #link;
  /** @type {Promise<string[] | null> | null} */
  #place = null;
  /** @type {Map<string, Promise<void>>} */
  #coming = new Map();
  cache = new BlobCache(64e6);

  /**
   * @param {Store} store
   * @param {Link} link
   */
  constructor(store, link) {
    this.#store = store;
    this.#link = link;
  }

  /**
   * Find an address for one file of a tile. Give it back with `free`.
   *
   * @param {Tile} tile
   * @param {What} what
   * @param {AbortSignal} signal stops waiting
   * @returns {Promise<string>}
   * @throws {Error} with the kernel's reason, or an AbortError
   */
  async url(tile, what, signal) {
    const served = await this.served(tile, what);
    if (served) return served;
    const key = keyOf(tile, what);
    for (;;) {
      signal.throwIfAborted();
      const ready = this.cache.take(key);
      if (ready) return ready;
      if (!this.#coming.has(key)) this.#coming.set(key, this.#fetch(tile, what, key, signal));
      await this.#coming.get(key)?.catch(unlessAborted);
    }
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @returns {Promise<string | null>} address on the files route, null where the server has none
   */
  async served(tile, what) {
    this.#place ??= this.#find(tile);
    const place = await this.#place;
    if (!place) return null;
    const name = tile[what] ?? "";
    return fileUrl(serverBase() ?? "/", [...place, ...name.split("/")], document.cookie);
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  free(tile, what) {
    this.cache.free(keyOf(tile, what));
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @param {string} key
   * @param {AbortSignal} signal
   */
  async #fetch(tile, what, key, signal) {
    try {
      const { buffers } = await this.#link.ask({ kind: "media", id: tile.id, what }, signal);
      this.cache.put(key, new Blob(/** @type {BlobPart[]} */ (buffers), { type: TYPES[what] }));
    } finally {
      this.#coming.delete(key);
    }
  }

  /**
   * Ask the server once where the folder is, by a file that is known to be in it.
   *
   * @param {Tile} tile
   * @returns {Promise<string[] | null>}
   */
  async #find(tile) {
    const base = serverBase();
    if (base === null || !tile.path) return null;
    for (const place of candidates(location.pathname, base, this.#store.folder)) {
      const url = fileUrl(base, [...place, ...tile.path.split("/")], document.cookie);
      if (await isFile(url, tile.bytes ?? null)) return place;
    }
    return null;
  }
}

/**
 * Let another view's change of mind pass: whoever still wants the file asks again.
 *
 * @param {unknown} reason
 */
export function unlessAborted(reason) {
  if (!(reason instanceof DOMException) || reason.name !== "AbortError") throw reason;
}

/**
 * @param {Tile} tile
 * @param {What} what
 * @returns {string}
 */
function keyOf(tile, what) {
  return `${what}/${tile.id}/${tile[what]}`;
}

/** @returns {string | null} the Jupyter server's base path, null on a page that is none of its own */
function serverBase() {
  const config = document.getElementById("jupyter-config-data")?.textContent;
  if (!config) return null;
  try {
    return JSON.parse(config).baseUrl ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @param {number | null} bytes its length, when known
 * @returns {Promise<boolean>}
 */
async function isFile(url, bytes) {
  try {
    const reply = await fetch(url, { method: "HEAD", redirect: "error" });
    const length = reply.headers.get("Content-Length");
    return reply.ok && (bytes === null || length === null || Number(length) === bytes);
  } catch {
    return false;
  }
}
