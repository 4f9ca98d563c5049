import { idOf, mark } from "./dom.js";
import { notify } from "./notify.js";
import { Player, showWhenLive } from "./player.js";
import { LoadQueue } from "./queue.js";

/**
 * @typedef {import("./clock.js").StepClock} StepClock
 * @typedef {import("./media.js").Media} Media
 * @typedef {import("./media.js").What} What
 * @typedef {import("./state.js").ViewState} ViewState
 * @typedef {import("./tile.js").TileView} TileView
 */

/** Milliseconds that a tile must stay in view before it loads, and out of view before it lets go. */
const DWELL = 150;
const GRACE = 400;
const LOADS = 4;
/** Small previews that play in step at 20 frames a second or more on two cores, and what the larger files weigh against one. */
const LIVE = 120;
const WEIGHTS = { small: 1, preview: 120 / 80, path: 120 / 36 };
/** Device pixels on the long side of a picture up to which the small preview, of 160, is sharp enough. */
const SMALL = 200;

/** The players of a wall: only for what is in view, and all on one clock. */
export class Players {
  #media;
  #clock;
  #state;
  #queue = new LoadQueue(LOADS, LIVE);
  /** @type {Map<number, Player>} */
  #players = new Map();
  /** @type {Map<number, TileView>} */
  #tiles = new Map();
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /** @type {Map<TileView, AbortController>} posters asked for or shown */
  #posters = new Map();
  /** @type {Set<number>} */
  #visible = new Set();
  /** @type {Set<string>} previews that no player could play, whose originals play in their place */
  #spoilt = new Set();
  #seen;
  #near;
  #hovered = -1;
  /** The clip under the pointer when a person went to a position: it plays by itself again once another one was pointed at. */
  #spent = -1;
  #suspended = false;
  #held = false;
  /** @type {Map<number, () => void>} what tiles that came or went while it was held have to do */
  #later = new Map();

  /**
   * @param {Media} media
   * @param {StepClock} clock
   * @param {ViewState} state
   * @param {AbortSignal} signal frees everything
   */
  constructor(media, clock, state, signal) {
    this.#media = media;
    this.#clock = clock;
    this.#state = state;
    const some = { threshold: 0.01 };
    this.#seen = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), some);
    const margin = /** @type {IntersectionObserverInit} */ ({ scrollMargin: "400px", rootMargin: "400px" });
    this.#near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) this.#paint(this.#tiles.get(idOf(target)));
    }, margin);
    signal.addEventListener("abort", () => this.#close());
  }

  get counts() {
    return { ...this.#queue.counts, visible: this.#visible.size };
  }

  /** @param {TileView} tile that now exists */
  enter(tile) {
    this.#tiles.set(tile.id, tile);
    this.#seen.observe(tile.element);
    this.#near.observe(tile.element);
  }

  /** @param {TileView} tile that is about to be no more */
  leave(tile) {
    this.#seen.unobserve(tile.element);
    this.#near.unobserve(tile.element);
    clearTimeout(this.#timers.get(tile.id));
    this.#timers.delete(tile.id);
    this.#later.delete(tile.id);
    this.#hide(tile);
    this.#unpaint(tile);
    this.#tiles.delete(tile.id);
  }

  /** @param {TileView} tile its files may have come, gone or changed */
  refresh(tile) {
    const player = this.#players.get(tile.id);
    const found = this.#playable(tile);
    if (player && (player.file !== found?.file || player.what !== found.what)) this.#release(tile.id);
    if (this.#visible.has(tile.id)) this.#want(tile);
    if (tile.data.poster && !this.#posters.has(tile)) {
      this.#near.unobserve(tile.element);
      this.#near.observe(tile.element);
    }
  }

  /** Play what suits the tiles as large as they are now. */
  fit() {
    for (const id of [...this.#players.keys()]) {
      const tile = this.#tiles.get(id);
      if (tile) this.refresh(tile);
    }
  }

  /** @param {boolean} yes load nothing and let nothing go, as while tiles rush by */
  hold(yes) {
    if (yes === this.#held) return;
    this.#held = yes;
    this.#queue.hold(yes);
    if (yes) return;
    notify(this.#later.values());
    this.#later.clear();
  }

  /** Bring all players to the clock: its position, its speed, and whether it runs. */
  follow() {
    const now = performance.now();
    const { mode, muted, solo } = this.#state.now;
    const running = this.#clock.playing && !this.#suspended;
    for (const [id, player] of this.#players) {
      if (!player.ready) continue;
      const { video } = player;
      const silent = muted || id !== solo || this.#suspended;
      if (video.muted !== silent) video.muted = silent;
      if (id === this.#hovered) continue;
      const over = running ? player.step(this.#clock, mode, now) : player.rest(this.#clock, mode, now);
      const tile = this.#tiles.get(id);
      if (tile) mark(tile.element, "data-over", over ? "" : null);
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
    if (tile && (tile.id === this.#hovered || tile.id === this.#spent)) return;
    this.#spent = -1;
    this.#unhover();
    const player = tile ? this.#players.get(tile.id) : undefined;
    if (!tile || !player?.ready || this.#clock.playing) return;
    this.#hovered = tile.id;
    mark(tile.element, "data-hover", "");
    player.roam();
  }

  /**
   * Let no clip play by itself any more, so that all show the same position.
   *
   * @param {number} pointed id of the clip under the pointer, which may rest there; -1 for none
   */
  gather(pointed) {
    this.#unhover();
    this.#spent = pointed;
  }

  /**
   * Show one moment of one clip while all rest.
   *
   * @param {TileView} tile
   * @param {number} share of its length, null to play on
   */
  scrub(tile, share) {
    const player = this.#players.get(tile.id);
    if (!player?.ready || this.#clock.playing) return;
    if (this.#hovered !== tile.id) this.#unhover();
    this.#hovered = tile.id;
    player.video.pause();
    player.seek(share * player.duration);
    mark(tile.element, "data-hover", "");
    tile.frame.style.setProperty("--gg-scrubbed", share.toFixed(4));
  }

  /** @param {number} id @returns {number | null} seconds into a clip that plays by itself */
  time(id) {
    return id === this.#hovered ? (this.#players.get(id)?.video.currentTime ?? null) : null;
  }

  #unhover() {
    const id = this.#hovered;
    this.#hovered = -1;
    const player = this.#players.get(id);
    if (!player) return;
    player.video.loop = false;
    const tile = this.#tiles.get(id);
    if (tile) mark(tile.element, "data-hover", null);
    tile?.frame.style.removeProperty("--gg-scrubbed");
    this.follow();
  }

  /** @param {IntersectionObserverEntry} entry */
  #moved({ target, isIntersecting }) {
    const tile = this.#tiles.get(idOf(target));
    if (!tile) return;
    clearTimeout(this.#timers.get(tile.id));
    const act = isIntersecting ? () => this.#show(tile) : () => this.#hide(tile);
    const now = () => (this.#held ? this.#later.set(tile.id, act) : act());
    this.#timers.set(tile.id, setTimeout(now, isIntersecting ? DWELL : GRACE));
  }

  /** @param {TileView} tile */
  #show(tile) {
    this.#visible.add(tile.id);
    this.#want(tile);
  }

  /** @param {TileView} tile */
  #hide(tile) {
    this.#visible.delete(tile.id);
    this.#release(tile.id);
  }

  /** @param {TileView | undefined} tile */
  async #paint(tile) {
    if (!tile?.data.poster || this.#posters.has(tile)) return;
    this.#near.unobserve(tile.element);
    const abort = new AbortController();
    this.#posters.set(tile, abort);
    const held = { ...tile.data };
    try {
      const url = await this.#media.url(held, "poster", abort.signal);
      if (abort.signal.aborted) return this.#media.free(held, "poster");
      abort.signal.addEventListener("abort", () => this.#media.free(held, "poster"));
      tile.poster.src = url;
      mark(tile.element, "data-poster", "");
    } catch {
      mark(tile.element, "data-poster", null);
    }
  }

  /** @param {TileView} tile */
  #unpaint(tile) {
    this.#posters.get(tile)?.abort();
    this.#posters.delete(tile);
  }

  /** @param {TileView} tile */
  #want(tile) {
    const found = this.#playable(tile);
    if (!found || this.#players.has(tile.id)) return;
    const player = new Player(this.#media, tile.data, found.what);
    this.#players.set(tile.id, player);
    const listener = {
      ready: () => this.#ready(tile),
      failed: (/** @type {Player} */ failed, /** @type {string} */ reason) => this.#failed(tile, failed, reason),
    };
    const show = (/** @type {HTMLVideoElement} */ video) => {
      showWhenLive(tile.element, video);
      tile.frame.insertBefore(video, tile.poster.nextSibling);
    };
    this.#queue.want(tile.id, () => player.load(listener, show), WEIGHTS[found.what]);
  }

  /** @param {TileView} tile */
  #ready(tile) {
    tile.trouble("");
    this.#queue.loaded(tile.id);
    this.follow();
  }

  /** @param {TileView} tile @param {Player} player @param {string} reason */
  #failed(tile, player, reason) {
    this.#spoilt.add(player.file);
    if (player.what !== "path" && tile.data.path) return this.refresh(tile);
    tile.trouble(`${reason}; Enter opens its details`);
    this.#queue.loaded(tile.id);
  }

  /** @param {number} id */
  #release(id) {
    const player = this.#players.get(id);
    if (!player) return;
    if (id === this.#hovered) this.#hovered = -1;
    this.#players.delete(id);
    player.release();
    const tile = this.#tiles.get(id);
    if (tile) for (const name of ["data-live", "data-over", "data-hover"]) mark(tile.element, name, null);
    this.#queue.drop(id);
  }

  #close() {
    this.#seen.disconnect();
    this.#near.disconnect();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#later.clear();
    for (const id of [...this.#players.keys()]) this.#release(id);
    for (const tile of [...this.#posters.keys()]) this.#unpaint(tile);
    this.#tiles.clear();
    this.#visible.clear();
  }

  /**
   * @param {TileView} tile
   * @returns {{what: Exclude<What, "poster">, file: string} | null} a preview; the original where none could be made, and where it may sound
   */
  #playable({ drawn, data: { id, preview, small, path, error_class: failed } }) {
    const { muted, solo } = this.#state.now;
    const none = preview ? this.#spoilt.has(preview) || this.#spoilt.has(small ?? "") : failed === "preview";
    if (path && ((!muted && id === solo) || none)) return { what: "path", file: path };
    if (small && drawn * devicePixelRatio <= SMALL) return { what: "small", file: small };
    return preview ? { what: "preview", file: preview } : null;
  }
}
