import { make, write } from "./dom.js";
import { LONGEST_NOTE, LONGEST_TAG, MOST_TAGS, readNote, readTags } from "./judging.js";
import { RatingStrip } from "./rating_strip.js";

/**
 * @typedef {import("./judging.js").Judging} Judging
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 */

/** Milliseconds of rest after which a note is kept while it is being written. */
const WRITING_REST = 600;
/** Tags that are offered beside those a clip has. */
const MOST_TAGS_OFFERED = 8;

/** All that a person says of one clip: stars, pick, tags, note; and what the others say. */
export class RatingEditor {
  #store;
  #judging;
  #id = -1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #strip;
  #tags = make("span", { class: "gg-taglist" });
  #tag = /** @type {HTMLInputElement} */ (make("input", { class: "gg-text gg-newtag", dir: "auto", type: "text", placeholder: "tag …", maxlength: LONGEST_TAG, "aria-label": "Add tags, separated by commas", autocomplete: "off" }));
  #note = /** @type {HTMLTextAreaElement} */ (make("textarea", { class: "gg-text gg-note-text", dir: "auto", rows: 2, placeholder: "note …", maxlength: LONGEST_NOTE, "aria-label": "Note" }));
  #others = make("p", { class: "gg-others", dir: "auto" });
  element = make("section", { class: "gg-verdicts", "aria-label": "Your rating" });

  /**
   * @param {Store} store
   * @param {Judging} judging
   * @param {AbortSignal} signal
   */
  constructor(store, judging, signal) {
    this.#store = store;
    this.#judging = judging;
    this.#strip = new RatingStrip(judging, signal, true);
    this.element.append(this.#strip.element, make("div", { class: "gg-tagging" }, this.#tags, this.#tag), this.#note, this.#others);
    const options = { signal };
    this.#tags.addEventListener("click", ({ target }) => this.#toggle(target), options);
    this.#tag.addEventListener("keydown", (event) => event.key === "Enter" && this.#add(), options);
    this.#tag.addEventListener("change", () => this.#add(), options);
    this.#note.addEventListener("input", () => this.#rest(), options);
    this.#note.addEventListener("change", () => this.keep(), options);
    signal.addEventListener("abort", () => clearTimeout(this.#resting));
  }

  /** @param {number} id */
  show(id) {
    if (id !== this.#id) this.keep();
    const fresh = id !== this.#id;
    this.#id = id;
    this.draw(fresh);
  }

  /** Put the cursor where tags, or the note, are written. @param {"tags" | "note"} what */
  write(what) {
    (what === "tags" ? this.#tag : this.#note).focus();
  }

  /** Keep what is written so far. */
  keep() {
    clearTimeout(this.#resting);
    const note = readNote(this.#note.value);
    if (this.#id >= 0 && this.#store.tiles.has(this.#id)) this.#judging.say(this.#id, { note });
    if (this.#tag.value) this.#add();
  }

  /** @param {boolean} [fresh] whether it is about another clip than before */
  draw(fresh = false) {
    if (this.#id < 0) return;
    const { tags, note } = this.#judging.of(this.#id);
    this.#strip.show(this.#id);
    const offered = this.#judging.tags.filter((tag) => !tags.includes(tag)).slice(0, MOST_TAGS_OFFERED);
    const chips = [...tags.map((tag) => chipOf(tag, true)), ...offered.map((tag) => chipOf(tag, false))];
    this.#tags.replaceChildren(...chips);
    if (fresh) this.#tag.value = "";
    if (fresh || document.activeElement !== this.#note) this.#note.value = note;
    const tile = this.#store.tiles.get(this.#id);
    write(this.#others, tile ? othersOf(tile) : "");
  }

  /** @param {EventTarget | null} target */
  #toggle(target) {
    const tag = target instanceof Element ? target.closest("[data-tag]")?.getAttribute("data-tag") : null;
    if (!tag) return;
    const { tags } = this.#judging.of(this.#id);
    this.#judging.say(this.#id, { tags: tags.includes(tag) ? tags.filter((each) => each !== tag) : [...tags, tag].slice(0, MOST_TAGS) });
  }

  #add() {
    const added = readTags(this.#tag.value);
    this.#tag.value = "";
    if (added.length) this.#judging.say(this.#id, { tags: [...new Set([...this.#judging.of(this.#id).tags, ...added])].slice(0, MOST_TAGS) });
  }

  #rest() {
    clearTimeout(this.#resting);
    const id = this.#id;
    this.#resting = setTimeout(() => this.#judging.say(id, { note: readNote(this.#note.value) }), WRITING_REST);
  }
}

/** @param {string} tag @param {boolean} on */
function chipOf(tag, on) {
  return make("button", { class: "gg-tag", type: "button", "data-tag": tag, "aria-pressed": String(on), dir: "auto", text: tag });
}

/**
 * Say what all reviewers say together, where that is more than the person's own word.
 *
 * @param {Tile} tile
 * @returns {string}
 */
export function othersOf({ rating, pick, tags, note, said }) {
  const parts = [
    typeof rating === "number" && rating !== (said?.stars ?? null) ? `${Number(rating.toFixed(2))} stars on average` : "",
    typeof pick === "boolean" && pick !== (said?.pick ?? null) ? `${pick ? "picked" : "rejected"} by most` : "",
    tags && tags !== (said?.tags ?? []).join(", ") ? `tagged ${tags}` : "",
    note && note !== (said?.note ?? "") ? note : "",
  ];
  const found = parts.filter(Boolean);
  return found.length ? `All reviewers: ${found.join(" · ")}` : "";
}
