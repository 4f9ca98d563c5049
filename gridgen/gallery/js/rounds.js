import { icon, make, mark, wantsStill, write } from "./dom.js";
import { asked } from "./metadata.js";
import { letteringOf } from "./layout.js";
import { Player } from "./player.js";
import { diceOf, fit, nextPair, OUTCOMES } from "./ranking.js";
import { chartOf, itemsOf, roundsOf, standings, varyingOf } from "./leaderboard.js";
import { thumbnailOf } from "./thumbnail.js";
import { shapeOf } from "./tile.js";

/**
 * @typedef {import("./playback.js").Playback} Playback
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./leaderboard.js").Item} Item
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{id: number, player: Player, element: HTMLElement}} Side
 */

/** Milliseconds for which it is shown what the clips were. */
const REVEAL = 1600;
/** Milliseconds that the page has to show a choice before the next pair is sought. */
const BREATH = 60;
/** Cells among which the next pair is sought; of more, those that were seen least. */
const MOST_ITEMS = 120;
const LEFTWARDS = "M10 3.5 5 8 10 12.5";
const RIGHTWARDS = "M6 3.5 11 8 6 12.5";

/** What an answer is called where clips stand above each other. */
const ABOVE = { left: "Upper", right: "Lower" };

/** @type {[typeof OUTCOMES[number], string, string, string][]} outcome, words, key, key as a person reads it */
const ANSWERS = [
  ["left", "Left", "ArrowLeft", "←"],
  ["tie", "Tie", "ArrowDown", "↓"],
  ["skip", "Skip", "ArrowUp", "↑"],
  ["right", "Right", "ArrowRight", "→"],
];

/** Blind rounds: two clips in step on sides drawn by lot; what they are is shown once one is chosen. */
export class Rounds {
  #host;
  #deck;
  /** @type {Item[]} */
  #items = [];
  /** @type {Side[]} */
  #sides = [];
  /** @type {Side[]} the round after this one, which loads while this one is revealed */
  #ahead = [];
  /** @type {boolean[]} of each choice made here, whether it counts: a skipped pair does not */
  #log = [];
  #chosen = "";
  /** @type {ReturnType<typeof setTimeout>[]} */
  #waiting = [];
  #by = "";
  #drawn = new AbortController();
  #title = make("span", { class: "gg-stage-title" });
  #screen = make("div", { class: "gg-pair" });
  #answers = make("div", { class: "gg-answers", role: "group", "aria-label": "Which clip is better?" });
  #ranking = make("div", { class: "gg-ranking" });
  #modes = make("div", { class: "gg-ways", role: "group", "aria-label": "Rounds" });
  #message = make("span", { class: "gg-said", role: "status" });
  #remark = make("span", { class: "gg-remark" });
  head = make("div", { class: "gg-stage-head" }, this.#title, this.#modes, this.#remark, this.#message);
  element = make("div", { class: "gg-rounds", tabindex: "-1" }, this.head, this.#screen, this.#answers, this.#ranking);

  /**
   * @param {Host} host
   * @param {Playback} deck
   * @param {AbortSignal} signal
   */
  constructor(host, deck, signal) {
    this.#host = host;
    this.#deck = deck;
    for (const [outcome, words, , key] of ANSWERS) this.#answers.append(this.#answer(outcome, words, key, signal));
    const undo = make("button", { class: "gg-button", type: "button", title: "Take the last choice back (U)", text: "Undo" });
    undo.addEventListener("click", () => this.undo(), { signal });
    this.#answers.append(undo);
    for (const [mode, words] of [["choose", "Choose"], ["ranking", "Ranking"]]) {
      const button = make("button", { class: "gg-way", type: "button", "data-mode": mode, text: words });
      button.addEventListener("click", () => this.#turn(mode), { signal });
      this.#modes.append(button);
    }
    this.#ranking.addEventListener("click", ({ target }) => this.#ranked(target), { signal });
    this.#screen.addEventListener("click", ({ target }) => this.#pointed(target), { signal });
    deck.follow((beat) => beat % 2 || this.#follow(), signal);
    host.state.subscribe(() => this.#follow(), signal);
    signal.addEventListener("abort", () => this.stop());
  }

  /** @returns {boolean} */
  get running() {
    return this.#sides.length > 0;
  }

  /**
   * Begin.
   *
   * @param {number[]} ids clips that take part, in order
   * @returns {boolean} false where they are not of two cells
   */
  start(ids) {
    const { store } = this.#host;
    const ready = ids.filter((id) => store.tiles.get(id)?.status === "done" && store.tiles.get(id)?.path);
    this.#items = itemsOf(store, ready);
    if (this.#items.length < 2) return false;
    write(this.#remark, store.lettered ? "The simulator's lettering is covered." : "");
    this.#turn("choose");
    this.#next();
    return true;
  }

  /** Free what it holds. */
  stop() {
    this.#drawn.abort();
    for (const timer of this.#waiting.splice(0)) clearTimeout(timer);
    for (const { player } of [...this.#sides, ...this.#ahead]) player.release();
    [this.#sides, this.#ahead] = [[], []];
    this.#screen.replaceChildren();
  }

  /**
   * Do what a key means here.
   *
   * @param {string} key
   * @returns {boolean} whether it means anything
   */
  press(key) {
    if (key === "u" || key === "Backspace") return this.undo(), true;
    if (key === "r") return this.#turn(this.#ranking.hidden ? "ranking" : "choose"), true;
    if (this.#chosen && (key === "Enter" || key === " " || key.startsWith("Arrow"))) return this.#next(), true;
    const answer = ANSWERS.find(([, , wanted]) => wanted === key);
    if (!answer || this.#screen.hidden) return false;
    this.choose(answer[0]);
    return true;
  }

  /** @param {typeof OUTCOMES[number]} outcome */
  async choose(outcome) {
    if (this.#chosen || this.#sides.length < 2) return;
    const [left, right] = this.#sides.map(({ id }) => id);
    const { store } = this.#host;
    this.#chosen = outcome;
    this.#log.push(outcome !== "skip");
    if (outcome !== "skip") store.choices = [...store.choices, [left, right, OUTCOMES.indexOf(outcome)]];
    const kept = this.#note({ kind: "choose", left, right, outcome }, "Not noted");
    if (outcome === "skip") this.#next();
    else this.#reveal();
    await kept;
  }

  /** Take the last choice back. */
  async undo() {
    const counted = this.#log.pop();
    if (counted === undefined) return write(this.#message, "There is nothing to undo.");
    const { store } = this.#host;
    if (counted) store.choices = store.choices.slice(0, -1);
    for (const { player } of this.#ahead.splice(0)) player.release();
    this.#next();
    if (await this.#note({ kind: "unchoose" }, "Not undone")) write(this.#message, "Undone.");
  }

  /** @param {Record<string, unknown>} question @param {string} failed */
  async #note(question, failed) {
    try {
      const { content } = await this.#host.ask(question);
      write(this.#message, "");
      return content;
    } catch (reason) {
      write(this.#message, `${failed}: ${/** @type {Error} */ (reason).message}`);
      return null;
    }
  }

  #next() {
    const ahead = this.#ahead.splice(0);
    this.stop();
    this.#chosen = "";
    mark(this.element, "data-chosen", null);
    this.#sides = ahead.length ? ahead : this.#draw().map((id) => this.#side(id));
    this.#screen.replaceChildren(...this.#sides.map(({ element }) => element));
    const tiles = this.#sides.map(({ id }) => this.#tile(id));
    this.#deck.cast(tiles.map(({ seconds }) => seconds ?? 0), Math.max(...tiles.map(({ fps }) => fps ?? 0)));
    this.#deck.seek(0);
    if (!wantsStill()) this.#host.state.set({ playing: true });
    write(this.#title, `Which is better? Round ${this.#log.length + 1}`);
  }

  /** @returns {number[]} the clips whose comparison tells most, left and right */
  #draw() {
    const { choices } = this.#host.store;
    const dice = diceOf(choices.length * 7919 + this.#log.length * 31 + this.#items.length);
    const seen = new Map(this.#items.map((item) => [item, 0]));
    for (const [left, right] of roundsOf(this.#items, choices)) for (const at of [left, right]) seen.set(this.#items[at], (seen.get(this.#items[at]) ?? 0) + 1);
    const few = [...this.#items].sort((a, b) => (seen.get(a) ?? 0) - (seen.get(b) ?? 0)).slice(0, MOST_ITEMS);
    const found = fit(few.map((_, at) => [at]), roundsOf(few, choices), few.length);
    return nextPair(found, dice).map((at) => few[at].takes[Math.floor(dice() * few[at].takes.length)]);
  }

  /** @param {number} id @returns {Side} */
  #side(id) {
    const { store, media } = this.#host;
    const tile = this.#tile(id);
    const player = new Player(media, tile, "path", "gg-large", "preview");
    const frame = make("div", { class: "gg-covered" });
    const element = make("figure", { class: "gg-pane" }, frame, make("figcaption", { class: "gg-reveal", dir: "auto" }));
    const ratio = shapeOf(store, tile);
    frame.style.setProperty("--gg-ratio", String(ratio));
    if (store.lettered) frame.style.setProperty("--gg-lettered", String(letteringOf(ratio)));
    const say = (/** @type {string} */ reason) => element.append(make("p", { class: "gg-none", "data-tone": "bad", text: `It cannot be played: ${reason}. Skip it.` }));
    player.load({ ready: () => this.#follow(), failed: (_, reason) => say(reason) }, (video) => frame.append(video));
    return { id, player, element };
  }

  #reveal() {
    const { store } = this.#host;
    const facts = this.#sides.map(({ id }) => asked(store, this.#tile(id)));
    this.#sides.forEach(({ element }, side) => {
      const words = facts[side].flatMap(({ name, value }, at) => {
        const differs = facts[1 - side][at]?.value !== value;
        return differs || name === "prompt" ? [make(differs ? "mark" : "span", { text: value })] : [];
      });
      /** @type {Element} */ (element.querySelector(".gg-reveal")).replaceChildren(...words);
    });
    mark(this.element, "data-chosen", this.#chosen);
    const ahead = () => (this.#ahead = this.#draw().map((id) => this.#side(id)));
    this.#waiting.push(setTimeout(ahead, BREATH), setTimeout(() => this.#next(), REVEAL));
  }

  #follow() {
    if (!this.#sides.length) return;
    const { mode } = this.#host.state.now;
    const { clock } = this.#deck;
    const now = performance.now();
    for (const { player, element } of this.#sides) {
      if (!player.ready) continue;
      const over = clock.playing ? player.step(clock, mode, now) : player.rest(clock, mode, now);
      mark(element, "data-over", over ? "" : null);
    }
  }

  /** @param {string} mode */
  #turn(mode) {
    const ranking = mode === "ranking";
    this.#ranking.hidden = !ranking;
    mark(this.element, "data-mode", mode);
    this.#screen.hidden = this.#answers.hidden = ranking;
    for (const button of this.#modes.children) mark(button, "aria-pressed", String(button.getAttribute("data-mode") === mode));
    if (ranking) this.#rank();
  }

  #rank() {
    const { store, media } = this.#host;
    this.#drawn.abort();
    const { signal } = (this.#drawn = new AbortController());
    const pictureOf = (/** @type {number} */ id) => thumbnailOf(media, /** @type {Tile} */ (store.tiles.get(id)), signal);
    const rounds = roundsOf(this.#items, store.choices);
    const names = ["", ...varyingOf(store, this.#items).map(({ name }) => name)];
    const tabs = names.map((name) => make("button", { class: "gg-quickly", type: "button", "data-by": name, "aria-pressed": String(name === this.#by), text: name || "clips" }));
    const words = rounds.length ? `${rounds.length} choices. Intervals hold the true strength at 95 %.` : "Nothing was chosen yet: all are alike.";
    this.#ranking.replaceChildren(make("div", { class: "gg-strip" }, ...tabs), chartOf(standings(store, this.#items, rounds, this.#by), pictureOf), make("p", { class: "gg-quietly", text: words }));
  }

  /** @param {EventTarget | null} target */
  #ranked(target) {
    const by = target instanceof Element ? target.closest("[data-by]")?.getAttribute("data-by") : null;
    if (by === null || by === undefined) return;
    this.#by = by;
    this.#rank();
    /** @type {HTMLElement | null} */ (this.#ranking.querySelector("[aria-pressed=true]"))?.focus();
  }

  /** @param {EventTarget | null} target a click on a clip chooses it */
  #pointed(target) {
    const at = target instanceof Element ? this.#sides.findIndex(({ element }) => element.contains(target)) : -1;
    if (this.#chosen) this.#next();
    else if (at >= 0) this.choose(at ? "right" : "left");
  }

  /** @param {typeof OUTCOMES[number]} outcome @param {string} words @param {string} key @param {AbortSignal} signal */
  #answer(outcome, words, key, signal) {
    const sign = { left: LEFTWARDS, right: RIGHTWARDS }[/** @type {string} */ (outcome)];
    const above = ABOVE[/** @type {keyof typeof ABOVE} */ (outcome)];
    const said = above ? [make("span", { class: "gg-if-beside", text: words }), make("span", { class: "gg-if-above", text: above })] : [make("span", { text: words })];
    const parts = [make("span", {}, ...said), make("kbd", { text: key })];
    if (sign) parts[outcome === "left" ? "unshift" : "push"](/** @type {any} */ (icon(sign)));
    const button = make("button", { class: "gg-answer", type: "button", "data-outcome": outcome }, ...parts);
    button.addEventListener("click", () => (this.#chosen ? this.#next() : this.choose(outcome)), { signal });
    return button;
  }

  /** @param {number} id @returns {Tile} */
  #tile(id) {
    return /** @type {Tile} */ (this.#host.store.tiles.get(id));
  }
}
