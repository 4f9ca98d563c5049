import { StepClock } from "./clock.js";
import { followTheme, icon, make, mark, write } from "./dom.js";
import { Focus } from "./focus.js";
import { neighbour } from "./layout.js";
import { chip } from "./panel.js";
import { Players } from "./players.js";
import { Sheet } from "./sheet.js";
import { TileView } from "./tile.js";
import { announce, countStates, isSettled, money, toneOf } from "./words.js";

/**
 * @typedef {import("./link.js").Model} Model
 * @typedef {import("./media.js").Media} Media
 * @typedef {import("./store.js").Store} Store
 */

/** Milliseconds between two strokes of the position. */
const BEAT = 100;
/** Clips in view beyond which their corners are square: rounding so many moving pictures costs frames. */
const MANY = 48;
const PLAY = "M5 3 12.5 8 5 13 Z";
const PAUSE = "M5 3 V13 M11 3 V13";
const KEYS = [
  ["Space", "play or pause all"],
  ["Arrow keys", "move from clip to clip"],
  ["Enter", "open a clip; arrow keys walk on, Esc closes"],
  ["Home, End", "first and last clip"],
  ["L", "loop"],
  ["M", "sound of the open clip"],
];

/** The wall as one output shows it. */
export class WallView {
  #model;
  #store;
  #signal;
  #clock = new StepClock();
  #players;
  #sheet;
  #focus;
  /** @type {Map<number, TileView>} */
  #tiles = new Map();
  #current = -1;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beat;
  #spoken = 0;
  #counts = make("div", { class: "gg-counts" });
  #sums = make("div", { class: "gg-sums" });
  #progress = make("div", { class: "gg-progress", "aria-hidden": "true" });
  #live = make("div", { class: "gg-live", "aria-live": "polite" });
  #switch = make("button", { class: "gg-switch", type: "button", "aria-label": "Play all" }, icon(PLAY), icon(PAUSE));
  #scrub = /** @type {HTMLInputElement} */ (
    make("input", { class: "gg-scrub", type: "range", min: 0, max: 1000, value: 0, "aria-label": "Position" })
  );
  #position = make("span", { class: "gg-position" });
  #help = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-help", "aria-label": "Keys" }));
  element = make("div", { class: "gg-wall" });

  /**
   * @param {Model} model
   * @param {Store} store
   * @param {Media} media
   * @param {AbortSignal} signal
   */
  constructor(model, store, media, signal) {
    this.#model = model;
    this.#store = store;
    this.#signal = signal;
    this.#players = new Players(media, this.#clock, signal);
    this.#sheet = new Sheet(store);
    this.#focus = new Focus(store, media, signal);
    this.#build();
    this.#listen();
    store.subscribe((changed) => this.#changed(changed), signal);
    followTheme(this.element, signal);
    this.#changed(null);
  }

  /** @returns {object} what tests and the curious ask for */
  get figures() {
    return { ...this.#players.counts, position: this.#clock.at(performance.now()), length: this.#clock.length };
  }

  #build() {
    const transport = make("div", { class: "gg-transport" }, this.#switch, this.#scrub, this.#position);
    const header = make("div", { class: "gg-header" }, this.#counts, this.#sums, transport);
    const scroll = make("div", { class: "gg-scroll" }, this.#sheet.element);
    this.#help.append(make("h3", { text: "Keys" }), keyList());
    this.element.append(header, this.#progress, scroll, this.#live, this.#focus.element, this.#help);
  }

  #listen() {
    const { element } = this;
    const options = { signal: this.#signal };
    const on = (/** @type {string} */ name, /** @type {() => void} */ act) => {
      this.#model.on(`change:${name}`, act);
      this.#signal.addEventListener("abort", () => this.#model.off(`change:${name}`, act));
    };
    on("rows", () => this.#arrange());
    on("cols", () => this.#arrange());
    on("tile", () => this.#shape());
    for (const name of ["playing", "muted", "loop"]) on(name, () => this.#apply());
    element.addEventListener("keydown", (event) => this.#key(event), options);
    element.addEventListener("click", (event) => this.#clicked(event), options);
    element.addEventListener("focusin", (event) => this.#rove(idOf(event.target)), options);
    element.addEventListener("pointerover", (event) => this.#hover(event), options);
    this.#focus.element.addEventListener("close", () => this.#closed(), options);
    this.#scrub.addEventListener("input", () => this.#seek(Number(this.#scrub.value) / 1000), options);
    this.#switch.addEventListener("click", () => this.#set("playing", !this.#model.get("playing")), options);
    const second = setInterval(() => this.#second(), 1000);
    this.#signal.addEventListener("abort", () => clearInterval(second));
  }

  /** @param {number[] | null} changed */
  #changed(changed) {
    if (changed === null) this.#rebuild();
    else for (const id of changed) this.#tiles.get(id)?.update();
    const longest = this.#store.length;
    const reshaped = longest !== this.#clock.length;
    if (reshaped) this.#clock.resize(longest, performance.now());
    const touched = changed === null || reshaped ? [...this.#tiles.keys()] : changed;
    this.#shape(touched);
    for (const id of touched) this.#players.refresh(/** @type {TileView} */ (this.#tiles.get(id)));
    this.#header();
    this.#apply();
  }

  #rebuild() {
    for (const id of this.#store.tiles.keys()) {
      const known = this.#tiles.get(id);
      if (known) known.update();
      else this.#add(new TileView(this.#store, id));
    }
    this.#arrange();
  }

  /** @param {TileView} tile */
  #add(tile) {
    this.#tiles.set(tile.id, tile);
    this.#players.observe(tile);
    if (this.#current < 0) this.#rove(tile.id);
  }

  #arrange() {
    const before = this.#places();
    this.#sheet.lay(this.#tiles, this.#chosen("rows"), this.#chosen("cols"));
    this.#shape();
    this.#players.follow();
    if (before.size && !still()) this.#glide(before);
  }

  /**
   * @param {"rows" | "cols"} side
   * @returns {string[]} axis names, outermost first
   */
  #chosen(side) {
    return this.#model.get("choices")[this.#model.get(side)] ?? [];
  }

  /** @returns {Map<number, DOMRect>} where tiles are, if they are few enough to move gracefully */
  #places() {
    if (!this.element.isConnected || this.#tiles.size > 150) return new Map();
    return new Map([...this.#tiles].map(([id, tile]) => [id, tile.element.getBoundingClientRect()]));
  }

  /** @param {Map<number, DOMRect>} before */
  #glide(before) {
    for (const [id, tile] of this.#tiles) {
      const [from, to] = [before.get(id), tile.element.getBoundingClientRect()];
      if (!from || (from.left === to.left && from.top === to.top)) continue;
      const shift = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
      tile.element.animate([{ transform: shift }, { transform: "none" }], { duration: 260, easing: "cubic-bezier(.2,.7,.2,1)" });
    }
  }

  /** @param {Iterable<number>} ids */
  #shape(ids = this.#tiles.keys()) {
    for (const id of ids) this.#tiles.get(id)?.shape(this.#model.get("tile"));
  }

  #apply() {
    const now = performance.now();
    const playing = this.#model.get("playing") && this.#clock.length > 0;
    this.#clock.loop = this.#model.get("loop");
    if (playing && !this.#clock.playing) this.#clock.play(now);
    else if (!playing && this.#clock.playing) this.#clock.pause(now);
    this.#focus.loop = this.#clock.loop;
    this.#focus.muted = this.#model.get("muted");
    this.#focus.apply();
    mark(this.element, "data-playing", playing ? "" : null);
    mark(this.#switch, "aria-label", playing ? "Pause all" : "Play all");
    this.#name(playing);
    this.#players.hover(null);
    this.#players.follow();
    if (playing) this.#run();
    else this.#draw(now);
  }

  /** @param {boolean} playing what the linked button then offers */
  #name(playing) {
    const icon = playing ? "pause" : "play";
    if (this.#model.get("play_icon") === icon) return;
    this.#model.set("play_words", playing ? "Pause all" : "Play all");
    this.#set("play_icon", icon);
  }

  /** Follow the clock for as long as it runs; a few times a second, since each stroke costs every player a frame. */
  #run() {
    clearInterval(this.#beat);
    let beats = 0;
    this.#beat = setInterval(() => {
      const now = performance.now();
      if (this.#clock.ended(now)) this.#set("playing", false);
      if (this.#signal.aborted || !this.#clock.playing) return clearInterval(this.#beat);
      this.#draw(now);
      if (beats++ % 2) this.#players.follow();
    }, BEAT);
  }

  /** @param {number} now */
  #draw(now) {
    const { length } = this.#clock;
    const share = length ? this.#clock.at(now) / length : 0;
    this.#scrub.value = String(Math.round(share * 1000));
    this.#scrub.disabled = length === 0;
    this.#scrub.style.setProperty("--gg-at", share.toFixed(3));
    write(this.#position, length ? `${(share * length).toFixed(1)} / ${length.toFixed(1)} s` : "");
  }

  /** @param {number} share */
  #seek(share) {
    const now = performance.now();
    this.#clock.seek(share * this.#clock.length, now);
    this.#players.follow();
    this.#draw(now);
  }

  /** @param {string} name @param {any} value */
  #set(name, value) {
    this.#model.set(name, value);
    this.#model.save_changes();
  }

  #header() {
    const tiles = [...this.#store.tiles.values()];
    const counts = countStates(tiles);
    const chips = counts.map(([status, count]) => chip(status, count));
    this.#counts.replaceChildren(make("strong", { class: "gg-name", text: this.#store.name }), ...chips);
    write(this.#sums, this.#footage(tiles));
    const busy = tiles.some(({ status }) => !isSettled(status));
    this.#progress.hidden = !busy;
    this.#progress.replaceChildren(...counts.map(([status, count]) => segment(status, count)));
    this.#announce(announce(counts), busy);
  }

  /** @param {import("./store.js").Tile[]} tiles */
  #footage(tiles) {
    const done = tiles.filter(({ status }) => status === "done");
    const seconds = done.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
    const cost = money(this.#store.cost);
    return [done.length ? `${Math.round(seconds)} s of footage` : "", cost].filter(Boolean).join(" · ");
  }

  /** @param {string} text @param {boolean} busy */
  #announce(text, busy) {
    const now = performance.now();
    if (busy && now - this.#spoken < 5000) return;
    this.#spoken = now;
    write(this.#live, text);
  }

  #second() {
    this.element.closest(".gridgen-gallery")?.addEventListener("keydown", holdKey, { signal: this.#signal });
    const gone = this.element.closest(".jupyter-widgets-disconnected");
    mark(this.element, "data-gone", gone ? "" : null);
    mark(this.element, "data-many", this.#players.counts.visible > MANY ? "" : null);
    if (gone) return;
    for (const tile of this.#tiles.values()) if (toneOf(tile.data.status) === "busy") tile.tick();
  }

  /** @param {number} id the one tile that Tab reaches */
  #rove(id) {
    if (!this.#tiles.has(id) || id === this.#current) return;
    const last = this.#tiles.get(this.#current);
    if (last) mark(last.element, "tabindex", "-1");
    this.#current = id;
    mark(/** @type {TileView} */ (this.#tiles.get(id)).element, "tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") return;
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.#action(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {(() => void) | undefined}
   */
  #action({ key, target }) {
    const onTile = idOf(target) >= 0;
    if (this.#focus.element.open) return key.startsWith("Arrow") ? () => this.#walk(key) : undefined;
    if (key === "?") return () => this.#help.showModal();
    if (key === " " && target !== this.#switch) return () => this.#set("playing", !this.#model.get("playing"));
    if (key === "l" || key === "L") return () => this.#set("loop", !this.#model.get("loop"));
    if (key === "m" || key === "M") return () => this.#set("muted", !this.#model.get("muted"));
    if (!onTile) return undefined;
    if (key === "Enter") return () => this.#open(this.#current);
    if (key.startsWith("Arrow")) return () => this.#go(this.#next(key));
    if (key === "Home" || key === "End") return () => this.#go(this.#ends()[key === "Home" ? 0 : 1]);
    return undefined;
  }

  /** @param {string} arrow */
  #next(arrow) {
    const tiles = [...this.#tiles.values()];
    const rects = tiles.map(({ element }) => element.getBoundingClientRect());
    return tiles[neighbour(rects, tiles.findIndex(({ id }) => id === this.#current), arrow)].id;
  }

  #ends() {
    const all = this.#sheet.element.querySelectorAll(".gg-tile");
    return [idOf(all[0]), idOf(all[all.length - 1])];
  }

  /** @param {number} id */
  #go(id) {
    const tile = this.#tiles.get(id);
    tile?.element.focus({ preventScroll: true });
    tile?.element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: still() ? "auto" : "smooth" });
  }

  /** @param {string} arrow */
  #walk(arrow) {
    const next = this.#next(arrow);
    if (next !== this.#current) this.#open(next);
  }

  /** @param {number} id */
  #open(id) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    this.#rove(id);
    this.#players.hover(null);
    this.#players.suspend(true);
    this.#focus.show(tile, this.#clock.at(performance.now()));
  }

  #closed() {
    this.#players.suspend(false);
    this.#go(this.#current);
  }

  /** @param {MouseEvent} event */
  #clicked({ target }) {
    if (target === this.#help) this.#help.close();
    const id = idOf(target);
    if (id >= 0 && !getSelection()?.toString()) this.#open(id);
  }

  /** @param {PointerEvent} event */
  #hover({ target, pointerType }) {
    if (pointerType === "touch" || still()) return;
    this.#players.hover(this.#tiles.get(idOf(target)) ?? null);
  }
}

/**
 * @param {EventTarget | null} target
 * @returns {number} id of the tile that it lies in, -1 for none
 */
function idOf(target) {
  const tile = target instanceof Element ? target.closest(".gg-tile") : null;
  return tile ? Number(tile.getAttribute("data-id")) : -1;
}

/** @returns {boolean} whether the person asked for less motion */
function still() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @param {Event} event kept from the notebook, whose shortcuts would change cells */
function holdKey(event) {
  if (/** @type {KeyboardEvent} */ (event).key !== "Escape") event.stopPropagation();
}

/**
 * @param {string} status
 * @param {number} count
 * @returns {HTMLElement}
 */
function segment(status, count) {
  const part = make("span", { "data-tone": toneOf(status), "data-status": status });
  part.style.flexGrow = String(count);
  return part;
}

/** @returns {HTMLElement} */
function keyList() {
  return make("dl", {}, ...KEYS.flatMap(([key, does]) => [make("dt", { text: key }), make("dd", { text: does })]));
}
