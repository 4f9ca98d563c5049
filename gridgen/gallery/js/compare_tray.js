import { icon, make, mark } from "./dom.js";
import { LETTERS } from "./lightbox.js";
import { thumbnailOf } from "./thumbnail.js";
import { nameOf } from "./tile.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./sheet.js").Sheet} Sheet
 */

const OUT = "M5 5 11 11 M11 5 5 11";
export const MOST_PINS = LETTERS.length;

/** The clips that are put aside to be compared. */
export class CompareTray {
  #host;
  #sheet;
  #drawn = new AbortController();
  #list = make("span", { class: "gg-pins" });
  #compare = make("button", { class: "gg-compare", type: "button", title: "Compare them (V)" });
  #none = make("button", { class: "gg-button", type: "button", title: "Put none aside", "aria-label": "Put none aside" }, icon(OUT));
  element = make("div", { class: "gg-tray", role: "group", "aria-label": "To be compared" }, this.#list, this.#compare, this.#none);

  /**
   * @param {Host} host
   * @param {Sheet} sheet
   * @param {() => void} compare
   * @param {AbortSignal} signal
   */
  constructor(host, sheet, compare, signal) {
    this.#host = host;
    this.#sheet = sheet;
    const options = { signal };
    this.#compare.addEventListener("click", compare, options);
    this.#none.addEventListener("click", () => this.#put([]), options);
    this.#list.addEventListener("click", ({ target }) => this.#out(target), options);
    host.state.subscribe((changed) => changed.has("pins") && this.draw(), signal);
    signal.addEventListener("abort", () => this.#drawn.abort());
    this.draw();
  }

  /** @param {number} id put aside, or back; a fifth takes the place of the first */
  toggle(id) {
    const { pins } = this.#host.state.now;
    const others = pins.filter((each) => each !== id);
    this.#put(others.length < pins.length ? others : [...pins, id].slice(-MOST_PINS));
  }

  /** @param {number[]} pins clips to be put aside; what was shifted of others is forgotten */
  #put(pins) {
    const shift = Object.fromEntries(Object.entries(this.#host.state.now.shift).filter(([id]) => pins.includes(Number(id))));
    this.#host.state.set({ pins, shift });
  }

  /** Draw it as the state now is. */
  draw() {
    const { store, state, media } = this.#host;
    this.#drawn.abort();
    const { signal } = (this.#drawn = new AbortController());
    const pins = state.now.pins.filter((id) => store.tiles.has(id));
    this.element.hidden = pins.length === 0;
    this.#list.replaceChildren(
      ...pins.map((id, at) => {
        const tile = /** @type {import("./store.js").Tile} */ (store.tiles.get(id));
        const name = nameOf(store, tile);
        const letter = make("b", { text: LETTERS[at] });
        return make("button", { class: "gg-pin", type: "button", "data-pin": id, title: `Put back: ${name}` }, letter, thumbnailOf(media, tile, signal), make("span", { dir: "auto", text: name }), icon(OUT));
      }),
    );
    this.#compare.textContent = pins.length < 2 ? "Add another to compare" : `Compare ${pins.length}`;
    this.#compare.toggleAttribute("disabled", pins.length < 2);
    for (const tile of this.#sheet.views) this.dress(tile);
  }

  /** @param {import("./tile.js").TileView} tile marked where it is put aside */
  dress(tile) {
    const at = this.#host.state.now.pins.indexOf(tile.id);
    tile.badge("pin", at < 0 ? "" : LETTERS[at], "Put aside to be compared");
    mark(tile.element, "data-pinned", at < 0 ? null : "");
  }

  /** @param {EventTarget | null} target */
  #out(target) {
    const pin = target instanceof Element ? target.closest("[data-pin]")?.getAttribute("data-pin") : null;
    if (pin) this.toggle(Number(pin));
  }
}
