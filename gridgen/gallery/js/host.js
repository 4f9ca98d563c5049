import { Link } from "./link.js";
import { Media } from "./media.js";
import { KernelFiles, NeighbourFiles, ServedFiles } from "./sources.js";
import { ViewState } from "./state.js";
import { Store } from "./store.js";

/**
 * @typedef {import("./link.js").Model} Model
 * @typedef {import("./link.js").Reply} Reply
 * @typedef {import("./state.js").Look} Look
 * @typedef {import("./store.js").Snapshot} Snapshot
 * @typedef {object} Host what a wall needs of the place that shows it
 * @property {Store} store what is known of the clips
 * @property {ViewState} state how they are looked at
 * @property {Media} media where their bytes are
 * @property {(question: Record<string, unknown>, signal?: AbortSignal) => Promise<Reply>} ask a question to whoever keeps
 *   the sweep; rejected with a reason for the person
 * @property {boolean} bare whether nothing around the wall has its menus and switches, so that it draws them itself
 */

/** Fields of the state that a trait of the same name carries, for the controls that are linked to it. */
const TRAITS = /** @type {const} */ (["playing", "muted", "loop", "tile"]);
const SIDES = /** @type {const} */ (["rows", "cols"]);

/**
 * A wall in a notebook: a kernel behind it, controls of ipywidgets around it.
 *
 * @implements {Host}
 */
export class KernelHost {
  #model;
  #link;
  store = new Store();
  state;
  media;
  bare = false;

  /**
   * @param {Model} model
   * @param {AbortSignal} signal
   */
  constructor(model, signal) {
    this.#model = model;
    this.#link = new Link(model);
    this.media = new Media(new ServedFiles(this.store), new KernelFiles(this.#link));
    this.state = new ViewState(this.#told());
    this.#bind(signal);
    signal.addEventListener("abort", () => this.media.close());
    this.store.load(model.get("snapshot"), performance.now());
    this.#refresh(signal);
  }

  /**
   * @param {Record<string, unknown>} question
   * @param {AbortSignal} [signal]
   */
  ask(question, signal) {
    return this.#link.ask(question, signal);
  }

  /** @param {AbortSignal} signal */
  #bind(signal) {
    const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
      if (this.#link.answer(content, buffers) || content?.kind !== "delta") return;
      if (!this.store.apply(content, performance.now())) this.#refresh(signal);
    };
    const told = () => this.state.set(this.#told());
    const events = [...TRAITS, ...SIDES].map((name) => `change:${name}`);
    this.#model.on("msg:custom", hear);
    for (const event of events) this.#model.on(event, told);
    signal.addEventListener("abort", () => {
      this.#model.off("msg:custom", hear);
      for (const event of events) this.#model.off(event, told);
    });
    this.state.subscribe((changed) => this.#tell(changed), signal);
  }

  /** @returns {Partial<Look>} what the traits say */
  #told() {
    const choices = this.#model.get("choices");
    const sides = SIDES.map((side) => [side, choices[this.#model.get(side)] ?? []]);
    return Object.fromEntries([...sides, ...TRAITS.map((name) => [name, this.#model.get(name)])]);
  }

  /** @param {Set<string>} changed fields of the state, for the linked controls and for Python */
  #tell(changed) {
    const { now } = this.state;
    for (const name of TRAITS) if (changed.has(name)) this.#model.set(name, now[name]);
    for (const side of SIDES) if (changed.has(side)) this.#model.set(side, this.#at(now[side]));
    this.#model.set("play_icon", now.playing ? "pause" : "play");
    this.#model.set("play_words", now.playing ? "Pause all" : "Play all");
    this.#model.save_changes();
  }

  /** @param {string[]} names @returns {number | null} their position among the choices */
  #at(names) {
    const at = this.#model.get("choices").findIndex((/** @type {string[]} */ choice) => choice.join() === names.join());
    return at < 0 ? null : at;
  }

  /** @param {AbortSignal} signal */
  async #refresh(signal) {
    try {
      const { content } = await this.ask({ kind: "snapshot" }, signal);
      this.store.load(content.snapshot, performance.now());
    } catch {
      // What is known stays: the kernel is gone, or a later delta asks again.
    }
  }
}

/**
 * A wall on a page of its own, with no kernel: all that is known is in the page.
 *
 * @implements {Host}
 */
export class PageHost {
  store = new Store();
  state;
  media;
  bare = true;

  /**
   * @param {{snapshot: Snapshot, look?: Partial<Look>}} known
   * @param {AbortSignal} signal
   */
  constructor({ snapshot, look }, signal) {
    this.state = new ViewState(look);
    this.media = new Media(new NeighbourFiles(snapshot.folder));
    this.store.load(snapshot, performance.now());
    this.#follow(signal);
    signal.addEventListener("abort", () => this.media.close());
  }

  /**
   * @param {Record<string, unknown>} question
   * @returns {Promise<Reply>}
   */
  async ask(question) {
    throw new Error(`a page without a kernel cannot answer ${String(question.kind)}`);
  }

  /** @param {AbortSignal} signal keeps the view in the page's address, so that a link shows the same */
  #follow(signal) {
    this.state.load(location.hash);
    addEventListener("hashchange", () => this.state.load(location.hash), { signal });
    this.state.subscribe(() => {
      if (location.hash.replace(/^#/, "") !== this.state.text) history.replaceState(null, "", `#${this.state.text}`);
    }, signal);
  }
}
