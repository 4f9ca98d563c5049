import { icon, make } from "./dom.js";
import { ratioOf } from "./layout.js";
import { elapsed, money, size, STATES } from "./words.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./media.js").Media} Media
 * @typedef {import("./tile.js").TileView} TileView
 */

const CROSS = "M4 4 12 12 M12 4 4 12";

/** One clip, large, with what was asked and what came of it. */
export class Focus {
  #store;
  #media;
  #loading = new AbortController();
  #held = /** @type {import("./store.js").Tile | null} */ (null);
  #stage = make("div", { class: "gg-stage" });
  #facts = make("div", { class: "gg-facts" });
  element = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-focus", "aria-label": "Clip" }));
  /** @type {HTMLVideoElement | null} */
  video = null;
  muted = true;
  loop = true;

  /**
   * @param {Store} store
   * @param {Media} media
   * @param {AbortSignal} signal
   */
  constructor(store, media, signal) {
    this.#store = store;
    this.#media = media;
    const close = make("button", { class: "gg-close", type: "button", "aria-label": "Close (Esc)" }, icon(CROSS));
    close.addEventListener("click", () => this.element.close(), { signal });
    this.element.append(make("div", { class: "gg-sheetlet" }, this.#stage, this.#facts, close));
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close(), { signal });
    this.element.addEventListener("close", () => this.#clear(), { signal });
    signal.addEventListener("abort", () => this.#clear());
  }

  /**
   * @param {TileView} tile
   * @param {number} position seconds into the clip
   */
  show(tile, position) {
    const kept = this.video?.currentTime ?? position;
    this.#clear();
    this.#facts.replaceChildren(...this.#describe(tile));
    const ratio = ratioOf(tile.data, this.#store.label(tile.data, "size"));
    this.#stage.style.setProperty("--gg-ratio", String(ratio));
    if (tile.data.path) this.#play(tile, kept);
    else this.#stage.replaceChildren(make("p", { class: "gg-none", "data-tone": "idle", text: tile.data.status }));
    if (!this.element.open) this.element.showModal();
  }

  /** Take up sound and loop as the controls now say. */
  apply() {
    if (!this.video) return;
    this.video.muted = this.muted;
    this.video.loop = this.loop;
  }

  /**
   * @param {TileView} tile
   * @param {number} position
   */
  async #play(tile, position) {
    const { signal } = this.#loading;
    const video = /** @type {HTMLVideoElement} */ (make("video", { controls: true, playsinline: true, preload: "auto" }));
    if (tile.poster.src) video.poster = tile.poster.src;
    this.video = video;
    this.apply();
    this.#stage.replaceChildren(video);
    video.addEventListener("error", () => this.#say("This browser cannot play the file."), { signal });
    video.addEventListener("loadedmetadata", () => this.#begin(video, position), { signal, once: true });
    try {
      const data = { ...tile.data };
      video.src = await this.#media.url(data, "path", signal);
      this.#held = data;
      await this.#address(tile);
    } catch (reason) {
      if (!signal.aborted) this.#say(/** @type {Error} */ (reason).message);
    }
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {number} position
   */
  #begin(video, position) {
    if (position > 0.05) video.currentTime = position % video.duration;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) video.play().catch(() => undefined);
  }

  /** @param {TileView} tile the file's own address, where there is one */
  async #address(tile) {
    const url = await this.#media.address(tile.data, "path");
    const name = this.#facts.querySelector(".gg-file");
    if (!url || !name?.textContent) return;
    const link = make("a", { href: url, target: "_blank", rel: "noopener", text: name.textContent });
    name.replaceChildren(link);
  }

  /** @param {string} text */
  #say(text) {
    this.#stage.append(make("p", { class: "gg-none", "data-tone": "bad", text }));
  }

  /**
   * @param {TileView} tile
   * @returns {HTMLElement[]}
   */
  #describe({ data }) {
    const { axes } = this.#store;
    const prompt = this.#store.label(data, "prompt");
    const asked = axes
      .filter(({ name, labels }) => name !== "prompt" && (labels.length > 1 || !["take", "image_urls"].includes(name)))
      .map(({ name }) => [name.replace("_urls", "s"), this.#store.label(data, name) + (name === "duration" ? " s" : "")]);
    const state = make("p", { class: "gg-verdict", "data-tone": STATES[data.status]?.tone ?? "warn" });
    const why = data.error ?? STATES[data.status]?.says;
    state.append(make("strong", { text: data.status }), why ? ` ${why}` : "");
    return [make("h3", { text: prompt }), state, list(asked), list(measured(data))];
  }

  #clear() {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.video?.removeAttribute("src");
    this.video?.load();
    this.video = null;
    if (this.#held) this.#media.free(this.#held, "path");
    this.#held = null;
    this.#stage.replaceChildren();
  }
}

/**
 * @param {import("./store.js").Tile} data
 * @returns {string[][]}
 */
function measured(data) {
  const file = data.path ?? "";
  const rows = [
    ["picture", data.width && data.height ? `${data.width} × ${data.height}` : ""],
    ["length", data.seconds ? `${Number(data.seconds.toFixed(2))} s` : ""],
    ["frame rate", data.fps ? `${Number(data.fps.toFixed(2))} fps` : ""],
    ["file size", data.bytes ? size(data.bytes) : ""],
    ["cost", money(data.cost) || (data.price ? `${money(data.price)} expected` : "")],
    ["service time", data.service ? elapsed(data.service) : ""],
    ["file", file],
  ];
  return rows.filter(([, value]) => value);
}

/**
 * @param {string[][]} rows of name and value
 * @returns {HTMLElement}
 */
function list(rows) {
  const items = rows.flatMap(([name, value]) => [
    make("dt", { text: name }),
    make("dd", { text: value, title: value, class: name === "file" ? "gg-file" : undefined }),
  ]);
  return make("dl", {}, ...items);
}
