import { notify } from "./notify.js";

/**
 * @typedef {import("./rpc.js").Reply} Reply
 * @typedef {import("./store.js").Store} Store
 * @typedef {{stars: number | null, pick: boolean | null, tags: string[], note: string}} Opinion
 * @typedef {(question: Record<string, unknown>) => Promise<Reply>} Ask
 * @typedef {{said: Opinion | null, seq?: number}} Kept what a word came to, and the number of the last change that cannot know of it
 * @typedef {{open: number, since: number, before: Kept}} Open
 */

export const MOST_STARS = 5;
export const LONGEST_TAG = 40;
export const MOST_TAGS = 20;
export const LONGEST_NOTE = 2000;
export const LONGEST_NAME = 60;

/** Milliseconds after which a word that nobody has confirmed is worth a remark. */
const PATIENCE_FOR_WORDS = 1500;

/** @type {Readonly<Opinion>} */
export const NO_OPINION = Object.freeze({ stars: null, pick: null, tags: /** @type {string[]} */ ([]), note: "" });

/** What the person says of clips. It is on screen at once, and taken back with the reason if it cannot be kept. */
export class Judging {
  #store;
  #ask;
  /** @type {Map<number, Open>} words that nobody has confirmed yet, by clip */
  #open = new Map();
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Set<(id: number, said: Partial<Opinion>) => void>} */
  #hearers = new Set();
  /** What the person is to know: that something could not be kept, or what was undone. */
  message = "";

  /**
   * @param {Store} store
   * @param {Ask} ask
   */
  constructor(store, ask) {
    this.#store = store;
    this.#ask = ask;
  }

  /**
   * @param {number} id
   * @returns {Readonly<Opinion>}
   */
  of(id) {
    return this.#store.tiles.get(id)?.said ?? NO_OPINION;
  }

  /**
   * @param {number} now milliseconds
   * @returns {number} clips of which a word has not been kept for a while, as when the kernel is busy or gone
   */
  waiting(now) {
    return [...this.#open.values()].filter(({ since }) => now - since > PATIENCE_FOR_WORDS).length;
  }

  /** @returns {string[]} every tag in use, the commonest first */
  get tags() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { said } of this.#store.tiles.values()) for (const tag of said?.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([tag]) => tag);
  }

  /**
   * @param {() => void} listener called when words are kept or refused
   * @param {AbortSignal} signal ends it
   */
  subscribe(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /**
   * @param {(id: number, said: Partial<Opinion>) => void} hearer called with each word that the person says of a clip
   * @param {AbortSignal} signal ends it
   */
  onWord(hearer, signal) {
    this.#hearers.add(hearer);
    signal.addEventListener("abort", () => this.#hearers.delete(hearer));
  }

  /**
   * Say something of a clip; what is left out stays.
   *
   * @param {number} id
   * @param {Partial<Opinion>} said
   */
  async say(id, said) {
    const now = this.of(id);
    const next = { ...now, ...said };
    if (JSON.stringify(next) === JSON.stringify(now)) return;
    const open = this.#open.get(id) ?? { open: 0, since: performance.now(), before: { said: this.#store.tiles.get(id)?.said ?? null } };
    open.open += 1;
    this.#open.set(id, open);
    this.message = "";
    this.#store.amend(id, { said: next });
    this.#tell();
    notify(this.#hearers, id, said);
    try {
      const { content } = await this.#ask({ kind: "judge", id, said });
      this.#kept(id, open, content);
    } catch (reason) {
      this.message = `Not noted: ${/** @type {Error} */ (reason).message}`;
      this.#kept(id, open, open.before);
    }
  }

  /** @param {number} id @param {number} stars the same once more takes them back */
  star(id, stars) {
    return this.say(id, { stars: this.of(id).stars === stars ? null : stars });
  }

  /** @param {number} id @param {boolean} pick or reject; the same once more takes it back */
  pick(id, pick) {
    return this.say(id, { pick: this.of(id).pick === pick ? null : pick });
  }

  /**
   * Take back the latest word.
   *
   * @returns {Promise<number>} the clip, -1 when there is nothing to take back
   */
  async undo() {
    try {
      const { content } = await this.#ask({ kind: "undo" });
      const found = typeof content.id === "number";
      this.message = found ? "Undone." : "There is nothing to undo.";
      if (found) this.#store.settle(content.id, content.said, content.seq);
      this.#tell();
      return found ? content.id : -1;
    } catch (reason) {
      this.message = `Not undone: ${/** @type {Error} */ (reason).message}`;
      this.#tell();
      return -1;
    }
  }

  /**
   * @param {number} id
   * @param {Open} open
   * @param {Kept} kept
   */
  #kept(id, open, kept) {
    open.open -= 1;
    open.before = kept;
    if (!open.open) {
      this.#open.delete(id);
      this.#store.settle(id, kept.said, kept.seq);
    }
    this.#tell();
  }

  #tell() {
    notify(this.#listeners);
  }
}

/**
 * Read tags as a person types them.
 *
 * @param {string} text separated by commas
 * @returns {string[]} each once, none too long, not too many
 */
export function readTags(text) {
  const tags = text.split(",").map((tag) => readLine(tag, LONGEST_TAG));
  return [...new Set(tags.filter(Boolean))].slice(0, MOST_TAGS);
}

/** @param {string} text @returns {string} a note that Python keeps as it is */
export function readNote(text) {
  return shortened(text.replace(/(?![\n\t])[\p{Cc}\p{Cs}]/gu, " "), LONGEST_NOTE);
}

/** @param {string} text @param {number} longest @returns {string} a tag or a name that Python keeps as it is */
export function readLine(text, longest) {
  return shortened(text.replace(/[\p{Cc}\p{Cs}]/gu, " "), longest);
}

/** @param {string} text @param {number} longest in whole characters: half of one would spoil the file that it is written to */
function shortened(text, longest) {
  return [...text.normalize("NFC").trim()].slice(0, longest).join("").trim();
}

/**
 * Say an opinion in a few words, for a screen reader and a mark in the corner.
 *
 * @param {Readonly<Opinion>} opinion
 * @returns {string} empty for none
 */
export function spell({ stars, pick, tags, note }) {
  const parts = [
    stars === null ? "" : `${stars} ${stars === 1 ? "star" : "stars"}`,
    pick === null ? "" : pick ? "picked" : "rejected",
    tags.length ? `tagged ${tags.join(", ")}` : "",
    note ? "noted" : "",
  ];
  return parts.filter(Boolean).join(", ");
}
