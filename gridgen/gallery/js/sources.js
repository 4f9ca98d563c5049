import { BlobCache } from "./blobs.js";

/**
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./media.js").What} What
 * @typedef {import("./media.js").Source} Source
 * @typedef {import("./rpc.js").Rpc} Rpc
 */

const TYPES = { poster: "image/webp", preview: "video/mp4", small: "video/mp4", path: "video/mp4" };
/** The file in a folder that holds its mark. */
const MARK = "folder-mark.txt";
/** Bytes of blobs that are kept beyond their use. */
const KEPT = 64e6;
/** Milliseconds that JupyterLab may take to put the notebook into the page's address, and between two looks at it. */
const NAMED_WITHIN = 2000;
const LOOK = 50;

/**
 * Files as the Jupyter server serves them, also while the kernel is busy or gone.
 *
 * @implements {Source}
 */
export class ServedFiles {
  #store;
  #notebook;
  /** @type {Promise<string[] | null> | null} */
  #place = null;
  /** The page's path when the folder was looked for. */
  #page = "";

  /**
   * @param {Store} store
   * @param {string} [notebook] its path from the server's root, "" where only the page's address tells it
   */
  constructor(store, notebook = "") {
    this.#store = store;
    this.#notebook = notebook;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @returns {Promise<string | null>} address on the files route, null where the server has none
   */
  async url(tile, what) {
    const base = serverBase();
    if (base === null || !tile.path) return null;
    if (!this.#place || (namesNone(this.#page, base) && !namesNone(location.pathname, base))) {
      this.#page = location.pathname;
      this.#place = this.#find(base, tile, tile.path);
    }
    const place = await this.#place;
    return place && fileUrl(base, [...place, ...(tile[what] ?? "").split("/")], document.cookie);
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  address(tile, what) {
    return this.url(tile, what);
  }

  free() {}

  close() {}

  /**
   * Ask the server where the folder is, by a file that is known to be in it; once, if the page's address names a document.
   *
   * @param {string} base
   * @param {Tile} tile
   * @param {string} file
   * @returns {Promise<string[] | null>}
   */
  async #find(base, tile, file) {
    this.#page = await pageOf(this.#notebook, base);
    const { folder, mark } = this.#store;
    return findFolder(this.#page, base, folder, { file, bytes: tile.bytes ?? null, mark });
  }
}

/**
 * Bytes that come through the kernel's own channel, kept as blobs for as long as there is room.
 *
 * @implements {Source}
 */
export class KernelFiles {
  #link;
  /** @type {Map<string, Promise<void>>} */
  #coming = new Map();
  cache = new BlobCache(KEPT);

  /** @param {Pick<Rpc, "ask">} link */
  constructor(link) {
    this.#link = link;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @param {AbortSignal} signal
   * @returns {Promise<string>}
   */
  async url(tile, what, signal) {
    const key = keyOf(tile, what);
    for (;;) {
      signal.throwIfAborted();
      const ready = this.cache.take(key);
      if (ready) return ready;
      if (!this.#coming.has(key)) this.#coming.set(key, this.#fetch(tile, what, key, signal));
      await this.#coming.get(key)?.catch(unlessAborted);
    }
  }

  /** @returns {Promise<null>} a blob's address does not last */
  async address() {
    return null;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  free(tile, what) {
    this.cache.free(keyOf(tile, what));
  }

  close() {
    this.cache.clear();
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
}

/**
 * Files that an exported page holds in itself, each as text in an element of its own; made a blob when it is wanted.
 *
 * @implements {Source}
 */
export class EmbeddedFiles {
  cache = new BlobCache(KEPT);

  /**
   * @param {Tile} tile
   * @param {What} what
   * @returns {Promise<string | null>}
   */
  async url(tile, what) {
    const name = tile[what];
    const held = name ? document.getElementById(`file:${name}`)?.textContent : null;
    if (!name || !held) return null;
    const known = this.cache.take(name);
    if (known) return known;
    this.cache.put(name, new Blob([bytesOf(held)], { type: TYPES[what] }));
    return this.cache.take(name) ?? null;
  }

  /** @returns {Promise<null>} a blob's address does not last */
  async address() {
    return null;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  free(tile, what) {
    this.cache.free(tile[what] ?? "");
  }

  close() {
    this.cache.clear();
  }
}

/**
 * @param {string} text base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/**
 * Files that lie beside an exported page, at the names that the page gives them.
 *
 * @implements {Source}
 */
export class NeighbourFiles {
  #folder;

  /** @param {string | null} folder relative to the page; null where the page has no neighbours */
  constructor(folder) {
    this.#folder = folder;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   * @returns {Promise<string | null>}
   */
  async url(tile, what) {
    const name = tile[what];
    return name && this.#folder !== null ? [...this.#folder.split("/"), ...name.split("/")].filter(Boolean).map(encodeURIComponent).join("/") : null;
  }

  /**
   * @param {Tile} tile
   * @param {What} what
   */
  address(tile, what) {
    return this.url(tile, what);
  }

  /**
   * Look whether the clip's picture, which any browser can show, is there: a player says of a file that is not there
   * the same as of one that it cannot play.
   *
   * @param {Tile} tile
   * @returns {Promise<string>}
   */
  async missed(tile) {
    const picture = await this.url(tile, "poster");
    if (!picture) return "";
    const image = new Image();
    image.src = picture;
    return image.decode().then(() => "", () => `its file is not in the folder ${this.#folder}`);
  }

  free() {}

  close() {}
}

/**
 * Name the folders, relative to the Jupyter server's root, where a sweep's folder may lie.
 *
 * The kernel does not know the server's root, so the notebook's own place is read
 * from the page's address, as JupyterLab and Notebook 7 write it. While JupyterLab names no
 * document there, any guess would be an error on the page's console.
 *
 * @param {string} pathname of the page
 * @param {string} baseUrl of the server, such as `/user/me/`
 * @param {string} folder relative to the notebook
 * @returns {string[][]} path segments, likeliest first; hidden folders, which are never served, left out
 */
export function candidates(pathname, baseUrl, folder) {
  const route = pathname.startsWith(baseUrl) ? pathname.slice(baseUrl.length) : "";
  if (namesNone(pathname, baseUrl)) return [];
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
 * Ask the server where a folder is, by its mark or else by a file that is known to be in it.
 *
 * @param {string} page its path
 * @param {string} base of the server
 * @param {string} folder relative to the notebook
 * @param {{file: string, bytes?: number | null, mark?: string | null}} known a file in the folder, its length, and what
 *   the folder's mark says, which tells it from its copies
 * @returns {Promise<string[] | null>} path segments, null where the server has no such file
 */
export async function findFolder(page, base, folder, { file, bytes = null, mark = null }) {
  for (const place of candidates(page, base, folder)) {
    const url = fileUrl(base, [...place, ...(mark ? MARK : file).split("/")], document.cookie);
    if (await (mark ? says(url, mark) : isFile(url, bytes))) return place;
  }
  return null;
}

/**
 * @param {string} notebook its path from the server's root, before which JupyterLab may name a drive; "" for none known
 * @param {string} base of the server
 * @returns {Promise<string>} path of a page that shows that notebook: of several in one JupyterLab the address names the front one
 */
export async function pageOf(notebook, base) {
  const path = notebook.slice(notebook.indexOf(":") + 1);
  return path ? `${base}notebooks/${path.split("/").map(encodeURIComponent).join("/")}` : namedPage(base);
}

/**
 * @param {string} pathname of a page
 * @param {string} baseUrl of the server
 * @returns {boolean} whether it is a JupyterLab that names no document, or not yet
 */
function namesNone(pathname, baseUrl) {
  return pathname.startsWith(baseUrl) && /^(?:lab|doc)(?:\/workspaces\/[^/]+)?\/?$/.test(pathname.slice(baseUrl.length));
}

/**
 * @param {string} baseUrl of the server
 * @returns {Promise<string>} path of the page, once it names a document: JupyterLab restores its outputs before its address
 */
async function namedPage(baseUrl) {
  const last = performance.now() + NAMED_WITHIN;
  while (namesNone(location.pathname, baseUrl) && performance.now() < last) {
    await new Promise((look) => setTimeout(look, LOOK));
  }
  return location.pathname;
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
  const token = tokenIn(cookies);
  const query = token ? `?_xsrf=${encodeURIComponent(token)}` : "";
  return `${baseUrl}files/${path.map(encodeURIComponent).join("/")}${query}`;
}

/**
 * @param {string} cookies
 * @returns {string} what the server wants to see from a page of its own, "" without one
 */
export function tokenIn(cookies) {
  return decodeURIComponent(/(?:^|;\s*)_xsrf=([^;]+)/.exec(cookies)?.[1] ?? "");
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
export function serverBase() {
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
 * @param {string} mark
 * @returns {Promise<boolean>} whether that file says so
 */
async function says(url, mark) {
  try {
    const reply = await fetch(url, { redirect: "error", cache: "no-store" });
    return reply.ok && (await reply.text()) === mark;
  } catch {
    return false;
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
