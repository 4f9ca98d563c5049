import { make } from "./dom.js";
import { nameOf } from "./tile.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./store.js").Tile} Tile
 */

/** Milliseconds after which posters are loaded for paper, since what is seen goes first. */
const FIRST = 1000;

/**
 * The wall on paper: each clip that it shows as a picture with its name. A browser waits for nothing when it prints, so
 * the pictures are there before, and are not seen on the screen.
 */
export class PrintSheet {
  #host;
  /** @type {Map<number, HTMLElement>} */
  #figures = new Map();
  element = make("div", { class: "gg-print", "aria-hidden": "true" });

  /**
   * @param {Host} host
   * @param {() => Iterable<number>} shown ids of the clips on the wall, in its order
   * @param {AbortSignal} signal
   */
  constructor(host, shown, signal) {
    this.#host = host;
    addEventListener("beforeprint", () => this.#arrange(shown()), { signal });
    const later = setTimeout(() => this.#fill(signal), FIRST);
    signal.addEventListener("abort", () => clearTimeout(later));
  }

  /** @param {AbortSignal} signal */
  async #fill(signal) {
    for (const [id, tile] of this.#host.store.tiles) {
      const figure = await this.#figure(tile, signal).catch(() => null);
      if (signal.aborted) return;
      if (!figure) continue;
      this.#figures.set(id, figure);
      this.element.append(figure);
    }
  }

  /** @param {Tile} tile @param {AbortSignal} signal */
  async #figure(tile, signal) {
    const { store, media } = this.#host;
    const said = tile.status === "done" ? "" : ` (${tile.status})`;
    const caption = make("figcaption", { dir: "auto", text: nameOf(store, tile) + said });
    if (!tile.poster) return make("figure", {}, caption);
    const src = await media.url(tile, "poster", signal);
    return make("figure", {}, make("img", { src, alt: "" }), caption);
  }

  /** @param {Iterable<number>} ids */
  #arrange(ids) {
    const figures = [...ids].flatMap((id) => this.#figures.get(id) ?? []);
    if (figures.length) this.element.replaceChildren(...figures);
  }
}
