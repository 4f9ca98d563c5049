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
  #stars = Array.from({ length: MOST_STARS }, (_, at) => starButton(at + 1));
  #pick = mood("pick", "Pick (P)", CHECK);
  #reject = mood("reject", "Reject (X)", CROSS_OUT);
  element = make(
    "span",
    { class: "gg-judge", role: "group", "aria-label": "Rating" },
    make("span", { class: "gg-stars" }, ...this.#stars),
    make("span", { class: "gg-moods" }, this.#pick, this.#reject),
  );

  /**
   * @param {Judging} judging
   * @param {AbortSignal} signal
   * @param {boolean} [reached] whether Tab reaches its buttons
   */
  constructor(judging, signal, reached = false) {
    this.#judging = judging;
    this.element.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.element.addEventListener("pointerover", ({ target }) => this.#lit(starOf(target)), { signal });
    this.element.addEventListener("pointerleave", () => this.#lit(0), { signal });
    for (const button of [...this.#stars, this.#pick, this.#reject]) mark(button, "tabindex", reached ? null : "-1");
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
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    event.stopPropagation();
    if (!button || this.#id < 0) return;
    const stars = starOf(button);
    if (stars) this.#judging.star(this.#id, stars);
    else this.#judging.pick(this.#id, button === this.#pick);
    this.draw();
  }
}

/** @param {number} stars */
function starButton(stars) {
  const says = `${stars} ${stars === 1 ? "star" : "stars"} (${stars})`;
  return make("button", { class: "gg-star", type: "button", "data-star": stars, "aria-label": says, title: says }, icon(STAR));
}

/** @param {string} name @param {string} says @param {string} path */
function mood(name, says, path) {
  return make("button", { class: "gg-mood", type: "button", "data-mood": name, "aria-label": says, title: says }, icon(path));
}

/** @param {EventTarget | null} target @returns {number} of the star that it lies in, 0 for none */
function starOf(target) {
  return target instanceof Element ? Number(target.closest(".gg-star")?.getAttribute("data-star") ?? 0) : 0;
}
