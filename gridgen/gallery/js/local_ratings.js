import { LONGEST_NAME, NO_OPINION, readLine } from "./judging.js";
import { notify } from "./notify.js";
import { OUTCOMES } from "./ranking.js";

/**
 * @typedef {import("./judging.js").Opinion} Opinion
 * @typedef {import("./rpc.js").Reply} Reply
 * @typedef {import("./store.js").Store} Store
 * @typedef {{id: string, sweep: string, send_to?: string}} Page names an exported page, the sweep that it shows, and where ratings go
 * @typedef {{clip: string, at: number, said: Opinion, before: Opinion}} Word
 * @typedef {{left: string, right: string, outcome: string, at: number}} Pick
 * @typedef {{getItem: (key: string) => string | null, setItem: (key: string, value: string) => void}} Shelf
 */

/** The version of the ratings file, as `gridgen.judgements.ratings_file` reads it. */
const FORMAT = 1;

/** Where a browser keeps the name that it goes by in ratings files. */
const BROWSER = "gridgen/browser";

/** What a reviewer says on a page without a kernel: kept in the browser, and sent back as a small file. */
export class LocalRatings {
  #page;
  #browser;
  #store;
  /** @type {number[][]} choices that came with the page */
  #given;
  #shelf;
  /** @type {Word[]} */
  #words = [];
  /** @type {Map<string, {at: number, said: Opinion}>} what counts of each clip that was ever judged */
  #latest = new Map();
  /** @type {Pick[]} */
  #picks = [];
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** The reviewer's name, empty until it is given. */
  reviewer = "";
  /** Whether it lasts beyond this visit. */
  lasting = true;

  /**
   * @param {Page} page
   * @param {Store} store loaded, and told what was said on earlier visits
   * @param {Shelf | null} shelf where it lasts, null where the browser has no such place
   * @param {AbortSignal} [signal]
   */
  constructor(page, store, shelf, signal) {
    this.#page = page;
    this.#store = store;
    this.#given = store.choices;
    this.#shelf = shelf;
    this.#browser = browserOf(shelf);
    this.#recall();
    // the same page in another tab has written all that it knew, and what was said there
    if (signal) addEventListener("storage", ({ key }) => key === shelfKey(page) && this.#hear(), { signal });
  }

  #hear() {
    this.#recall();
    notify(this.#listeners);
  }

  /** @returns {number} clips and rounds that are in the file */
  get size() {
    return this.#latest.size + this.#picks.length;
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  subscribe(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** @param {string} name */
  sign(name) {
    this.reviewer = readLine(name, LONGEST_NAME);
    this.#keep();
  }

  /**
   * Answer what the wall asks of a kernel elsewhere.
   *
   * @param {Record<string, any>} question
   * @returns {Reply}
   */
  answer(question) {
    if (question.kind === "judge") return reply(this.#judge(question.id, question.said));
    if (question.kind === "undo") return reply(this.#undo());
    if (question.kind === "choose") return reply(this.#choose(question.left, question.right, question.outcome));
    if (question.kind === "unchoose") return reply({ undone: this.#unchoose() });
    if (question.kind === "select") return reply({});
    throw new Error(`a page without a kernel cannot answer ${String(question.kind)}`);
  }

  /** @returns {string} the address that ratings go to, "" for none */
  get to() {
    return this.#page.send_to ?? "";
  }

  /** @returns {string} */
  get sweep() {
    return this.#page.sweep;
  }

  /** @returns {string} the ratings file */
  get file() {
    return JSON.stringify(this.#told, null, 1);
  }

  /** @returns {string} what the file says, in one line, for a message */
  get text() {
    return JSON.stringify(this.#told);
  }

  get #told() {
    const judgements = [...this.#latest].map(([clip, { at, said }]) => ({ clip, at, ...said }));
    return { gridgen_ratings: FORMAT, page: this.#page.id, browser: this.#browser, sweep: this.#page.sweep, reviewer: this.reviewer || `reviewer ${this.#browser.slice(0, 4)}`, judgements, choices: this.#picks };
  }

  /** @returns {string} what to call it */
  get name() {
    const words = ["ratings", this.#page.sweep, this.reviewer].map((word) => word.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, ""));
    return `${words.filter(Boolean).join("_").slice(0, 100)}.json`;
  }

  /** @param {number} id @param {Partial<Opinion>} said */
  #judge(id, said) {
    const clip = this.#clip(id);
    const before = this.#latest.get(clip)?.said ?? NO_OPINION;
    const word = { clip, at: this.#now(clip), said: { ...before, ...said }, before };
    this.#words.push(word);
    return this.#say(word.clip, word.at, word.said, id);
  }

  #undo() {
    const word = this.#words.pop();
    if (!word) return {};
    const [id] = [...this.#store.tiles.values()].filter(({ clip }) => clip === word.clip).map((tile) => tile.id);
    return this.#say(word.clip, this.#now(word.clip), word.before, id);
  }

  /** @param {string} clip @param {number} at @param {Opinion} said @param {number} id */
  #say(clip, at, said, id) {
    this.#latest.set(clip, { at, said });
    this.#keep();
    return { id, said };
  }

  /** @param {number} left @param {number} right @param {string} outcome */
  #choose(left, right, outcome) {
    this.#picks.push({ left: this.#clip(left), right: this.#clip(right), outcome, at: Date.now() });
    this.#keep();
    return {};
  }

  #unchoose() {
    const undone = this.#picks.pop() !== undefined;
    this.#keep();
    return undone;
  }

  /** @param {string} clip @returns {number} later than all that was said of it */
  #now(clip) {
    return Math.max(Date.now(), (this.#latest.get(clip)?.at ?? 0) + 1);
  }

  /** @param {number} id @returns {string} */
  #clip(id) {
    const clip = this.#store.tiles.get(id)?.clip;
    if (!clip) throw new Error("this page does not know the clip");
    return clip;
  }

  #keep() {
    const held = { reviewer: this.reviewer, words: this.#words, latest: [...this.#latest], picks: this.#picks };
    try {
      this.#shelf?.setItem(shelfKey(this.#page), JSON.stringify(held));
      this.lasting = this.#shelf !== null;
    } catch {
      this.lasting = false;
    }
    notify(this.#listeners);
  }

  /** Take up what was said on earlier visits; what is not as we wrote it is passed over. */
  #recall() {
    this.lasting = this.#shelf !== null;
    try {
      const { reviewer, words, latest, picks } = JSON.parse(this.#shelf?.getItem(shelfKey(this.#page)) ?? "null") ?? {};
      this.reviewer = readLine(String(reviewer ?? ""), LONGEST_NAME);
      this.#words = (words ?? []).filter((/** @type {Word} */ word) => isOpinion(word.said) && isOpinion(word.before));
      this.#latest = new Map((latest ?? []).filter((/** @type {any[]} */ [, entry]) => isOpinion(entry?.said)));
      this.#picks = (picks ?? []).filter((/** @type {Pick} */ { outcome }) => OUTCOMES.includes(/** @type {any} */ (outcome)));
    } catch {
      this.lasting = false;
    }
    const ids = new Map([...this.#store.tiles.values()].map(({ clip, id }) => [clip, id]));
    for (const [clip, { said }] of this.#latest) {
      const id = ids.get(clip);
      if (id !== undefined) this.#store.settle(id, said);
    }
    const rounds = this.#picks.filter(({ outcome }) => outcome !== "skip").map(({ left, right, outcome }) => [ids.get(left), ids.get(right), OUTCOMES.indexOf(/** @type {any} */ (outcome))]);
    this.#store.choices = [...this.#given, .../** @type {number[][]} */ (rounds.filter(([left, right]) => left !== undefined && right !== undefined))];
  }
}

/** @returns {Shelf | null} what the browser keeps for this page, null where it keeps nothing */
export function shelf() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/**
 * Name the browser at random, once: two reviewers without a name, or of one name, stay two.
 *
 * @param {Shelf | null} shelf
 * @returns {string} where nothing is kept, one for this visit
 */
function browserOf(shelf) {
  const fresh = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const kept = shelf?.getItem(BROWSER) ?? "";
    if (/^[0-9a-f]{24}$/.test(kept)) return kept;
    shelf?.setItem(BROWSER, fresh);
  } catch {
    // the ratings are not kept either
  }
  return fresh;
}

/** @param {Page} page */
function shelfKey({ id }) {
  return `gridgen/${id}`;
}

/** @param {Record<string, unknown>} content @returns {Reply} */
function reply(content) {
  return { content, buffers: [] };
}

/** @param {any} said @returns {said is Opinion} */
function isOpinion(said) {
  const stars = said?.stars === null || (Number.isInteger(said?.stars) && said.stars >= 0 && said.stars <= 5);
  return stars && [null, true, false].includes(said.pick) && Array.isArray(said.tags) && said.tags.every((/** @type {unknown} */ tag) => typeof tag === "string") && typeof said.note === "string";
}
