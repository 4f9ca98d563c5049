import { correction, drift, goalOf } from "./clock.js";
import { make, mark } from "./dom.js";

/**
 * @typedef {import("./clock.js").StepClock} StepClock
 * @typedef {import("./media.js").Media} Media
 * @typedef {import("./media.js").What} What
 * @typedef {import("./state.js").Mode} Mode
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{ready: (player: Player) => void, failed: (player: Player, reason: string) => void}} Listener
 */

const REASONS = ["", "loading was stopped", "the file could not be read", "it is damaged", "this browser does not know its format"];
/** Milliseconds between two jumps of a player that is far from the clock. */
const PATIENCE = 700;
/** Seconds by which a jump aims ahead, since it takes time itself. */
const LEAD = 0.04;

/** One video element that follows a clock. */
export class Player {
  #media;
  #abort = new AbortController();
  #held;
  #sought = 0;
  /** @type {What | null} what is played where the file cannot be */
  #instead;
  /** @type {number | null} where a person's scrubbing wants it next */
  #wanted = null;
  ready = false;
  video;

  /**
   * @param {Media} media
   * @param {Tile} data
   * @param {What} what
   * @param {string} [className]
   * @param {What | null} [instead] what to play where that cannot be played
   */
  constructor(media, data, what, className = "gg-video", instead = null) {
    this.#media = media;
    this.#held = { ...data };
    this.what = what;
    this.#instead = instead;
    this.video = /** @type {HTMLVideoElement} */ (
      make("video", { class: className, playsinline: true, preload: "auto", tabindex: "-1", "aria-hidden": "true" })
    );
    this.video.muted = true;
    this.video.disablePictureInPicture = true;
  }

  /** @returns {string} */
  get file() {
    return this.#held[this.what] ?? "";
  }

  /** @returns {number} seconds, 0 before it is known */
  get duration() {
    return this.video.duration || 0;
  }

  /**
   * Load its file.
   *
   * @param {Listener} listener
   * @param {(video: HTMLVideoElement) => void} show puts the element into the page
   * @returns {Promise<void>}
   */
  async load(listener, show) {
    const { video } = this;
    const { signal } = this.#abort;
    try {
      video.src = await this.#url(signal);
    } catch (reason) {
      if (signal.aborted) return;
      if (this.#yields()) return this.load(listener, show);
      return listener.failed(this, String(/** @type {Error} */ (reason).message));
    }
    const ready = () => {
      this.ready = true;
      listener.ready(this);
    };
    const failed = async () => {
      this.ready = false;
      const reason = REASONS[video.error?.code ?? 0] || "it could not be loaded";
      if (this.#yields()) {
        const next = await this.#url(signal).catch(() => "");
        if (next) return void (video.src = next);
      }
      const missed = await this.#media.missed(this.#held);
      if (!signal.aborted) listener.failed(this, missed || reason);
    };
    video.addEventListener("loadeddata", ready, { signal });
    video.addEventListener("error", failed, { signal });
    video.addEventListener("seeked", () => this.#settled(), { signal });
    show(video);
    video.load();
  }

  /** @returns {boolean} whether there is another file to be played in place of the one that could not be */
  #yields() {
    const other = this.#instead;
    this.#instead = null;
    if (!other || !this.#held[other] || this.#held[other] === this.file) return false;
    if (this.video.hasAttribute("src")) this.#media.free(this.#held, this.what);
    this.what = other;
    return true;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<string>}
   */
  async #url(signal) {
    const url = await this.#media.url(this.#held, this.what, signal);
    if (!signal.aborted) return url;
    this.#media.free(this.#held, this.what);
    throw signal.reason;
  }

  /** Give back all that it holds. */
  release() {
    this.#abort.abort();
    const { video } = this;
    const loaded = video.hasAttribute("src");
    video.removeAttribute("src");
    video.load();
    video.remove();
    if (loaded) this.#media.free(this.#held, this.what);
  }

  /**
   * Bring it to where the clock says.
   *
   * @param {StepClock} clock
   * @param {Mode} mode
   * @param {number} now milliseconds
   * @param {number} [shift] seconds by which it is to be ahead
   * @returns {boolean} whether it has ended before the others
   */
  step(clock, mode, now, shift = 0) {
    const { video } = this;
    const position = clock.at(now);
    const { time, pace, over } = goalOf(mode, position, clock.length, this.duration, shift);
    if (!pace) this.#stand(time);
    if (!pace) return over;
    video.loop = !shift && clock.loop && !clock.partial && (mode === "percent" || Math.abs(this.duration - clock.length) < 0.05);
    if (video.seeking || (over && video.currentTime >= this.duration - 0.3)) return over;
    const ahead = drift(video.currentTime / pace, time / pace, video.loop ? clock.length : 0) / clock.speed;
    const { seek, rate } = correction(ahead);
    if (seek && now - this.#sought > PATIENCE) {
      this.#sought = now;
      video.currentTime = Math.min(time + LEAD * clock.speed * pace, this.duration);
    }
    const speed = Math.max(0.0625, Math.round(rate * clock.speed * pace * 1000) / 1000);
    if (Math.abs(video.playbackRate - speed) > 0.012 * speed) video.playbackRate = speed;
    if (video.paused && !over) this.play();
    return over;
  }

  /**
   * Stand still where the clock stands.
   *
   * @param {StepClock} clock
   * @param {Mode} mode
   * @param {number} now milliseconds
   * @param {number} [shift] seconds by which it is to be ahead
   */
  rest(clock, mode, now, shift = 0) {
    this.#stand(goalOf(mode, clock.at(now), clock.length, this.duration, shift).time);
  }

  /** Play by itself, round and round. */
  roam() {
    this.video.loop = true;
    this.video.playbackRate = 1;
    this.play();
  }

  /** @param {number} time seconds; the last of many wins, each begun only after the one before */
  seek(time) {
    const { video } = this;
    const goal = Math.min(Math.max(time, 0), Math.max(0, this.duration - 0.02));
    if (Math.abs(video.currentTime - goal) <= 0.004) this.#wanted = null;
    else if (video.seeking) this.#wanted = goal;
    else video.currentTime = goal;
  }

  /** Start where the browser lets it; its poster stays otherwise. */
  play() {
    this.video.play().catch(() => undefined);
  }

  /** @param {number} time seconds */
  #stand(time) {
    if (!this.video.paused) this.video.pause();
    this.seek(time);
  }

  #settled() {
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null && this.video.paused) this.seek(wanted);
  }
}

/**
 * @param {HTMLElement} element shown to be live once its player shows a frame
 * @param {HTMLVideoElement} video
 */
export function showWhenLive(element, video) {
  const moving = () => mark(element, "data-live", "");
  for (const event of ["playing", "seeked"]) video.addEventListener(event, moving, { once: true });
}
