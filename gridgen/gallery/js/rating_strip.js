import { icon, make, mark } from "./dom.js";
import { MOST_STARS } from "./judging.js";

/**
 * @typedef {import("./judging.js").Judging} Judging
 */

const STAR = "M8 1.8 9.9 5.9 14.3 6.4 11 9.4 11.9 13.8 8 11.6 4.1 13.8 5 9.4 1.7 6.4 6.1 5.9 Z";
export const CHECK = "M3.2 8.6 6.4 11.8 12.8 4.6";
export const CROSS_OUT = "M4.2 4.2 11.8 11.8 M11.8 4.2 4.2 11.8";

/** Stars, pick and reject of one clip, to be clicked. */
export class RatingStrip {
  #judging;
  #id = -1;
  #stars;
  #pick;
  #reject;
  element = make("span", { class: "gg-judge", role: "group", "aria-label": "Rating" });

  /**
   * @param {Judging} judging
   * @param {AbortSignal} signal
   * @param {boolean} [reached] whether its buttons take the focus, which nothing within a tile may
   */
  constructor(judging, signal, reached = false) {
    this.#judging = judging;
    this.#stars = Array.from({ length: MOST_STARS }, (_, at) => starButton(at + 1, reached));
    this.#pick = ratingButton({ class: "gg-mood", "data-mood": "pick" }, "Pick (P)", CHECK, reached);
    this.#reject = ratingButton({ class: "gg-mood", "data-mood": "reject" }, "Reject (X)", CROSS_OUT, reached);
    this.element.append(make("span", { class: "gg-stars" }, ...this.#stars), make("span", { class: "gg-moods" }, this.#pick, this.#reject));
    this.element.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.element.addEventListener("pointerover", ({ target }) => this.#lit(starOf(target)), { signal });
    this.element.addEventListener("pointerleave", () => this.#lit(0), { signal });
  }

  /** @param {number} id of the clip that it is about */
  show(id) {
    this.#id = id;
    this.draw();
  }

  /** Draw what is said of it now. */
  draw() {
    const { stars, pick } = this.#judging.of(this.#id);
    this.#stars.forEach((button, at) => {
      mark(button, "data-on", stars !== null && at < stars ? "" : null);
      mark(button, "aria-pressed", String(stars === at + 1));
    });
    mark(this.element, "data-none", stars === 0 ? "" : null);
    mark(this.#pick, "aria-pressed", String(pick === true));
    mark(this.#reject, "aria-pressed", String(pick === false));
  }

  /** @param {number} upto stars that a click would give */
  #lit(upto) {
    this.#stars.forEach((button, at) => mark(button, "data-lit", at < upto ? "" : null));
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-star], [data-mood]") : null;
    event.stopPropagation();
    if (!button || this.#id < 0) return;
    const stars = starOf(button);
    if (stars) this.#judging.star(this.#id, stars);
    else this.#judging.pick(this.#id, button === this.#pick);
    this.draw();
  }
}

/** @param {number} stars @param {boolean} reached */
function starButton(stars, reached) {
  return ratingButton({ class: "gg-star", "data-star": stars }, `${stars} ${stars === 1 ? "star" : "stars"} (${stars})`, STAR, reached);
}

/** @param {Record<string, string | number>} props @param {string} says @param {string} path @param {boolean} reached */
function ratingButton(props, says, path, reached) {
  const kind = reached ? { type: "button" } : { role: "button" };
  return make(reached ? "button" : "span", { ...props, ...kind, "aria-label": says, title: says }, icon(path));
}

/** @param {EventTarget | null} target @returns {number} of the star that it lies in, 0 for none */
function starOf(target) {
  return target instanceof Element ? Number(target.closest(".gg-star")?.getAttribute("data-star") ?? 0) : 0;
}
