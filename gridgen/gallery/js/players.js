import { correction, drift } from "./clock.js";
import { make, mark } from "./dom.js";
import { LoadQueue } from "./queue.js";

/**
 * @typedef {import("./clock.js").StepClock} StepClock
 * @typedef {import("./media.js").Media} Media
 * @typedef {import("./tile.js").TileView} TileView
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{tile: TileView, what: "preview" | "path", file: string, abort: AbortController, video: HTMLVideoElement | null,
 *   ready: boolean, sought: number}} Player
 */

/** Milliseconds that a tile must stay in view before it loads, and out of view before it lets go. */
const DWELL = 150;
const GRACE = 400;
const LOADS = 4;
const LIVE = 120;
const REASONS = ["", "loading was stopped", "the file could not be read", "it is damaged", "this browser does not know its format"];

/** The players of a wall: only for what is in view, and all on one clock. */
export class Players {
  #media;
  #clock;
  #queue = new LoadQueue(LOADS, LIVE);
  /** @type {Map<number, Player>} */
  #players = new Map();
  /** @type {Map<Element, TileView>} */
  #tiles = new Map();
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /** @type {Set<number>} */
  #visible = new Set();
  #seen;
  #near;
  #hovered = -1;
  #suspended = false;

  /**
   * @param {Media} media
   * @param {StepClock} clock
   * @param {AbortSignal} signal frees everything
   */
  constructor(media, clock, signal) {
    this.#media = media;
    this.#clock = clock;
    this.#seen = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)));
    const margin = /** @type {IntersectionObserverInit} */ ({ scrollMargin: "400px", rootMargin: "400px" });
    this.#near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) this.#paint(this.#tiles.get(target));
    }, margin);
    signal.addEventListener("abort", () => this.#close());
  }

  get counts() {
    return { ...this.#queue.counts, visible: this.#visible.size };
  }

  /** @param {TileView} tile */
  observe(tile) {
    this.#tiles.set(tile.element, tile);
    this.#seen.observe(tile.element);
    this.#near.observe(tile.element);
  }

  /** @param {TileView} tile its files may have come, gone or changed */
  refresh(tile) {
    const player = this.#players.get(tile.id);
    if (player && player.file !== playable(tile.data)?.file) this.#release(tile.id);
    if (this.#visible.has(tile.id)) this.#want(tile);
    if (tile.data.poster && !tile.poster.getAttribute("src")) {
      this.#near.unobserve(tile.element);
      this.#near.observe(tile.element);
    }
  }

  /** Bring all players to the clock: its position, and whether it runs. */
  follow() {
    const now = performance.now();
    const position = this.#clock.at(now);
    for (const player of this.#players.values()) {
      if (!player.ready || player.tile.id === this.#hovered) continue;
      if (this.#clock.playing && !this.#suspended) this.#step(player, position, now);
      else this.#rest(player, position);
    }
  }

  /** @param {boolean} yes hold everything, as while another player has the floor */
  suspend(yes) {
    this.#suspended = yes;
    this.follow();
  }

  /**
   * Play one clip alone while all rest, as under the pointer.
   *
   * @param {TileView | null} tile null ends it
   */
  hover(tile) {
    const last = this.#players.get(this.#hovered);
    this.#hovered = -1;
    if (last?.video) {
      last.video.loop = false;
      mark(last.tile.element, "data-hover", null);
      this.follow();
    }
    const player = tile ? this.#players.get(tile.id) : undefined;
    if (!player?.video || !player.ready || this.#clock.playing) return;
    this.#hovered = player.tile.id;
    mark(player.tile.element, "data-hover", "");
    player.video.loop = true;
    start(player.video);
  }

  /** @param {IntersectionObserverEntry} entry */
  #moved({ target, isIntersecting }) {
    const tile = this.#tiles.get(target);
    if (!tile) return;
    clearTimeout(this.#timers.get(tile.id));
    const act = isIntersecting ? () => this.#enter(tile) : () => this.#leave(tile);
    this.#timers.set(tile.id, setTimeout(act, isIntersecting ? DWELL : GRACE));
  }

  /** @param {TileView} tile */
  #enter(tile) {
    this.#visible.add(tile.id);
    this.#want(tile);
  }

  /** @param {TileView} tile */
  #leave(tile) {
    this.#visible.delete(tile.id);
    this.#release(tile.id);
  }

  /** @param {TileView | undefined} tile */
  async #paint(tile) {
    if (!tile?.data.poster || tile.poster.getAttribute("src")) return;
    this.#near.unobserve(tile.element);
    try {
      tile.poster.src = await this.#media.url(tile.data, "poster", new AbortController().signal);
      mark(tile.element, "data-poster", "");
    } catch {
      mark(tile.element, "data-poster", null);
    }
  }

  /** @param {TileView} tile */
  #want(tile) {
    const found = playable(tile.data);
    if (!found || this.#players.has(tile.id)) return;
    const player = { tile, ...found, abort: new AbortController(), video: null, ready: false, sought: 0 };
    this.#players.set(tile.id, player);
    this.#queue.want(tile.id, () => this.#load(player));
  }

  /** @param {Player} player */
  async #load(player) {
    const { tile, abort } = player;
    try {
      const url = await this.#media.url(tile.data, player.what, abort.signal);
      abort.signal.throwIfAborted();
      player.video = this.#video(player);
      player.video.src = url;
      tile.frame.insertBefore(player.video, tile.poster.nextSibling);
      player.video.load();
    } catch (reason) {
      if (abort.signal.aborted) return;
      tile.trouble(String(/** @type {Error} */ (reason).message));
      this.#queue.loaded(tile.id);
    }
  }

  /**
   * @param {Player} player
   * @returns {HTMLVideoElement}
   */
  #video(player) {
    const { tile, abort } = player;
    const video = /** @type {HTMLVideoElement} */ (
      make("video", { class: "gg-video", playsinline: true, preload: "auto", tabindex: "-1", "aria-hidden": "true" })
    );
    video.muted = true;
    video.disablePictureInPicture = true;
    const { signal } = abort;
    video.addEventListener("loadeddata", () => this.#ready(player), { signal });
    video.addEventListener("error", () => this.#failed(player, video.error?.code ?? 0), { signal });
    const moving = () => mark(tile.element, "data-live", "");
    video.addEventListener("playing", moving, { signal });
    video.addEventListener("seeked", moving, { signal });
    return video;
  }

  /** @param {Player} player */
  #ready(player) {
    player.ready = true;
    player.tile.trouble("");
    this.#queue.loaded(player.tile.id);
    this.follow();
  }

  /**
   * @param {Player} player
   * @param {number} code of the MediaError
   */
  #failed(player, code) {
    player.ready = false;
    player.tile.trouble(`${REASONS[code] || "it could not be loaded"}; Enter opens its details`);
    this.#queue.loaded(player.tile.id);
  }

  /** @param {number} id */
  #release(id) {
    const player = this.#players.get(id);
    if (!player) return;
    if (id === this.#hovered) this.#hovered = -1;
    this.#players.delete(id);
    player.abort.abort();
    if (player.video) {
      player.video.removeAttribute("src");
      player.video.load();
      player.video.remove();
      this.#media.free({ ...player.tile.data, [player.what]: player.file }, player.what);
    }
    for (const name of ["data-live", "data-over"]) mark(player.tile.element, name, null);
    this.#queue.drop(id);
  }

  /**
   * @param {Player} player
   * @param {number} position
   * @param {number} now
   */
  #step(player, position, now) {
    const video = /** @type {HTMLVideoElement} */ (player.video);
    if (video.seeking) return;
    const { length } = this.#clock;
    video.loop = this.#clock.loop && Math.abs(video.duration - length) < 0.05;
    const over = position >= video.duration && video.duration < length - 0.05;
    mark(player.tile.element, "data-over", over ? "" : null);
    if (over && video.currentTime >= video.duration - 0.3) return;
    const { seek, rate } = correction(drift(video.currentTime, Math.min(position, video.duration), length));
    if (seek && now - player.sought > 700) {
      player.sought = now;
      video.currentTime = Math.min(position + 0.04, video.duration);
    }
    if (Math.abs(video.playbackRate - rate) > 0.015) video.playbackRate = rate;
    if (video.paused && !over) start(video);
  }

  /**
   * @param {Player} player
   * @param {number} position
   */
  #rest(player, position) {
    const video = /** @type {HTMLVideoElement} */ (player.video);
    if (!video.paused) video.pause();
    mark(player.tile.element, "data-over", null);
    const goal = Math.min(position, Math.max(0, video.duration - 0.02));
    if (!video.seeking && Math.abs(video.currentTime - goal) > 0.01) video.currentTime = goal;
  }

  #close() {
    this.#seen.disconnect();
    this.#near.disconnect();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const id of [...this.#players.keys()]) this.#release(id);
    for (const tile of this.#tiles.values()) if (tile.poster.src) this.#media.free(tile.data, "poster");
    this.#tiles.clear();
  }
}

/**
 * @param {Tile} data
 * @returns {{what: "preview" | "path", file: string} | null} the preview; the original only where none could be made
 */
function playable({ preview, path, error_class: failed }) {
  if (preview) return { what: "preview", file: preview };
  return path && failed === "preview" ? { what: "path", file: path } : null;
}

/** @param {HTMLVideoElement} video started where the browser lets it; its poster stays otherwise */
function start(video) {
  video.play().catch(() => undefined);
}
