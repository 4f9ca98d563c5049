import { make } from "./dom.js";
import { momentsOf, spellMoment } from "./moments.js";
import { nameOf } from "./tile.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./playback.js").Playback} Playback
 * @typedef {{id: number, shift: number}} Shown a clip, and seconds by which it is ahead
 * @typedef {{at: number, position: number, words: string}} Mark
 */

/** How many ticks the bar has room for: notes that are nearer to each other share one. */
const PLACES = 120;

/** The moments of clips of which something is noted, on the bar: a click goes there and says what. */
export class MomentTicks {
  #host;
  #deck;
  #clips;
  #key = "";
  /** @type {Mark[][]} */
  #marks = [];
  element = make("div", { class: "gg-moments", role: "group", "aria-label": "Notes at moments" });

  /**
   * @param {Host} host
   * @param {Playback} deck
   * @param {() => Shown[]} clips whose notes they are
   * @param {(words: string) => void} say what is noted
   * @param {AbortSignal} signal
   */
  constructor(host, deck, clips, say, signal) {
    this.#host = host;
    this.#deck = deck;
    this.#clips = clips;
    this.element.addEventListener("click", ({ target }) => {
      const found = target instanceof Element ? this.#marks[[...this.element.children].indexOf(target)] : undefined;
      if (!found) return;
      deck.seek(found[0].position);
      say(wordsOf(found));
    }, { signal });
    deck.follow((beat) => beat || this.draw(), signal);
    host.store.subscribe(() => this.draw(), signal);
    this.draw();
  }

  /** Draw them as notes, mode and lengths now are. */
  draw() {
    const { length } = this.#deck.clock;
    /** @type {Map<number, Mark[]>} */
    const places = new Map();
    const marks = this.#clips().flatMap((clip) => this.#of(clip)).filter(({ position }) => position >= 0 && position <= length);
    for (const mark of marks.sort((a, b) => a.position - b.position)) {
      const place = Math.round((mark.position / (length || 1)) * PLACES);
      places.set(place, [...(places.get(place) ?? []), mark]);
    }
    this.#marks = [...places.values()];
    const key = JSON.stringify([length, this.#marks]);
    if (key === this.#key) return;
    this.#key = key;
    this.element.hidden = !this.#marks.length;
    this.element.replaceChildren(
      ...this.#marks.map((found) => {
        const words = wordsOf(found);
        const tick = make("button", { class: "gg-moment-tick", type: "button", title: words, "aria-label": words });
        tick.style.left = `${(found[0].position / length) * 100}%`;
        return tick;
      }),
    );
  }

  /** @param {Shown} clip @returns {Mark[]} */
  #of({ id, shift }) {
    const { store } = this.#host;
    const tile = store.tiles.get(id);
    if (!tile?.seconds || !(tile.note || tile.said?.note)) return [];
    const { seconds } = tile;
    const moments = momentsOf(tile).filter(({ at }) => at <= seconds);
    return moments.map(({ at, text }) => ({ at, position: this.#deck.positionOf(at, seconds, shift), words: `${spellMoment(at)} ${text} (${nameOf(store, tile)})` }));
  }
}

/** @param {Mark[]} marks that share a tick */
function wordsOf(marks) {
  return marks.map(({ words }) => words).join(" · ");
}
