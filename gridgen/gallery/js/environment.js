import { LocalRatings, shelf } from "./local_ratings.js";
import { Judging } from "./judging.js";
import { Rpc } from "./rpc.js";
import { Media } from "./media.js";
import { chosenBy, positionIn } from "./menus.js";
import { EmbeddedFiles, KernelFiles, NeighbourFiles, ServedFiles } from "./sources.js";
import { ViewState } from "./state.js";
import { isFinal } from "./status_texts.js";
import { Store } from "./store.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 * @typedef {import("./rpc.js").Reply} Reply
 * @typedef {import("./menus.js").Menu} Menu
 * @typedef {import("./state.js").Look} Look
 * @typedef {import("./store.js").Snapshot} Snapshot
 * @typedef {object} Host what a wall needs of the place that shows it
 * @property {Store} store what is known of the clips
 * @property {ViewState} state how they are looked at
 * @property {Media} media where their bytes are
 * @property {(question: Record<string, unknown>, signal?: AbortSignal) => Promise<Reply>} ask a question to whoever keeps
 *   the sweep; rejected with a reason for the person
 * @property {Judging} judging what the person says of them
 * @property {LocalRatings | null} book where that is kept, when no kernel keeps it
 * @property {Menu[]} menus what can be chosen of the view
 * @property {boolean} bare whether nothing around the wall has these menus, so that it draws them itself
 * @property {MediaQueryList | null} phone matches while its clips are to stand in one column, each with its stars; null where never
 */

/** Pixels; a slider below it means to fill the width. */
const LEAST_TILE = 64;
/** The screen of a phone, as the style sheet of a page says it. */
const PHONE = "(max-width: 600px)";
/** Milliseconds of rest after which Python is told how the wall is looked at. */
const REST = 300;

/**
 * A wall in a notebook: a kernel behind it, controls of ipywidgets around it. Those are linked to traits which hold
 * positions in the menus.
 *
 * @implements {Host}
 */
export class KernelHost {
  #model;
  #link;
  #signal;
  #served;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #page = Math.random().toString(36).slice(2);
  #asked;
  store = new Store();
  bare;
  phone = null;
  book = null;
  rounds;
  menus;
  state;
  media;
  judging = new Judging(this.store, (question) => this.ask(question));

  /**
   * @param {Model} model
   * @param {AbortSignal} signal
   * @param {() => void} asked called when Python wants to know whether this page shows the wall
   */
  constructor(model, signal, asked) {
    this.#model = model;
    this.#asked = asked;
    this.#signal = signal;
    this.#link = new Rpc(model);
    this.menus = /** @type {Menu[]} */ (model.get("menus"));
    this.bare = Boolean(model.get("bare"));
    /** @type {number[]} ids of the clips whose blind rounds are shown in place of the wall */
    this.rounds = model.get("rounds") ?? [];
    this.#served = new ServedFiles(this.store, this.#link.notebook);
    this.media = new Media(this.#served, new KernelFiles(this.#link));
    this.state = new ViewState(model.get("look"));
    this.state.load(model.get("view"));
    this.state.set({ selected: model.get("selected") ?? [] });
    this.#bind();
    this.#tell();
    this.store.load(model.get("snapshot"), performance.now());
    this.#refresh();
    signal.addEventListener("abort", () => this.media.close());
    signal.addEventListener("abort", () => clearTimeout(this.#resting));
  }

  /**
   * @param {Record<string, unknown>} question
   * @param {AbortSignal} [signal]
   */
  ask(question, signal) {
    return this.#link.ask(question, signal);
  }

  /**
   * Tell Python whether this page shows the wall: for one that nobody sees nothing needs to be sent.
   *
   * @param {boolean} shows
   */
  turn(shows) {
    this.ask({ kind: "page", page: this.#page, shows }, this.#signal).catch(() => undefined);
  }

  /** Tell Python that it has not been shown again, as it is where an output is moved. */
  leave() {
    this.ask({ kind: "left" }, this.#signal).catch(() => undefined);
  }

  /**
   * Tell whether the wall can do without a kernel: it knows how each clip ended, and the server has their files.
   *
   * @returns {Promise<boolean>}
   */
  async whole() {
    const tiles = [...this.store.tiles.values()];
    const one = tiles.find(({ poster }) => poster);
    return one !== undefined && tiles.every(({ status }) => isFinal(status)) && Boolean(await this.#served.url(one, "poster"));
  }

  #bind() {
    const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
      if (content?.kind === "who") this.#asked();
      if (this.#link.answer(content, buffers) || content?.kind !== "delta") return;
      if (!this.store.apply(content, performance.now())) this.#refresh();
    };
    this.#on("msg:custom", hear);
    for (const menu of this.menus) this.#on(`change:${menu.name}`, () => this.#choose(menu));
    this.#on("change:tile", () => this.#resize());
    this.state.subscribe((changed) => {
      this.#tell();
      if (changed.has("selected")) this.ask({ kind: "select", ids: this.state.now.selected }, this.#signal).catch(() => undefined);
    }, this.#signal);
  }

  /** @param {string} event @param {(...args: any[]) => void} act */
  #on(event, act) {
    this.#model.on(event, act);
    this.#signal.addEventListener("abort", () => this.#model.off(event, act));
  }

  /** @param {Menu} menu whose linked control was moved */
  #choose(menu) {
    const at = this.#model.get(menu.name);
    const chosen = menu.options[at];
    if (!chosen || at === positionIn(menu, this.state.now)) return;
    this.state.set(chosenBy(menu.name, chosen[1], this.state.now));
    this.#tell();
  }

  #resize() {
    const tile = this.#model.get("tile");
    this.state.set({ tile: tile < LEAST_TILE ? 0 : tile });
  }

  /** Tell the linked controls, and in a while Python, how the wall is looked at. */
  #tell() {
    for (const menu of this.menus) {
      const at = positionIn(menu, this.state.now);
      this.#model.set(menu.name, at < 0 ? null : at);
    }
    this.#model.set("tile", this.state.now.tile);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#report(), REST);
  }

  /** By a message, not by a trait: some kernels let the traits of a widget die. */
  #report() {
    const { rows, cols } = this.state.now;
    this.ask({ kind: "view", rows, cols, view: this.state.text }, this.#signal).catch(() => undefined);
  }

  async #refresh() {
    try {
      const { content } = await this.ask({ kind: "snapshot" }, this.#signal);
      this.store.load(content.snapshot, performance.now());
    } catch {
      // What is known stays: the kernel is gone, or a later delta asks again.
    }
  }
}

/**
 * A wall on a page of its own, with no kernel: all that is known is in the page, and what is said stays in the browser.
 *
 * @implements {Host}
 */
export class PageHost {
  store = new Store();
  bare = true;
  phone = matchMedia(PHONE);
  state;
  media;
  menus;
  book;
  judging = new Judging(this.store, (question) => this.ask(question));

  /**
   * @param {{snapshot: Snapshot, menus: Menu[], look: Partial<Look>, view: string, page: import("./local_ratings.js").Page}} known
   * @param {AbortSignal} signal
   */
  constructor({ snapshot, menus, look, view, page }, signal) {
    this.menus = menus;
    this.state = new ViewState(this.phone.matches ? { ...look, rows: [], cols: [] } : look);
    this.media = new Media(new EmbeddedFiles(), new NeighbourFiles(snapshot.folder));
    this.store.load(snapshot, performance.now());
    this.book = new LocalRatings(page, this.store, shelf(), signal);
    this.#follow(view, signal);
    signal.addEventListener("abort", () => this.media.close());
  }

  /**
   * @param {Record<string, unknown>} question
   * @returns {Promise<Reply>}
   */
  async ask(question) {
    return this.book.answer(question);
  }

  /** @param {string} view to begin with @param {AbortSignal} signal keeps the view in the address, so that a link shows the same */
  #follow(view, signal) {
    this.state.load(location.hash.slice(1) || view);
    addEventListener("hashchange", () => this.state.load(location.hash), { signal });
    this.state.subscribe(() => {
      if (location.hash.replace(/^#/, "") !== this.state.text) address(this.state.text);
    }, signal);
  }
}

/** @param {string} view to write into the page's address; a sandbox, or a browser that is asked too often, refuses */
function address(view) {
  try {
    history.replaceState(null, "", `#${view}`);
  } catch {
    // the wall keeps the view, and a link to it cannot be had here
  }
}
