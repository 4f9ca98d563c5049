import { StepClock } from "./clock.js";
import { followTheme, make, mark } from "./dom.js";
import { Focus } from "./focus.js";
import { Header } from "./header.js";
import { Keys } from "./keys.js";
import { Players } from "./players.js";
import { idOf, Rover, wantsStill } from "./rover.js";
import { Sheet } from "./sheet.js";
import { TileView } from "./tile.js";
import { Transport } from "./transport.js";
import { toneOf } from "./words.js";

/**
 * @typedef {import("./host.js").Host} Host
 */

/** Milliseconds between two strokes of the position. */
const BEAT = 100;
/** Clips in view beyond which their corners are square: rounding so many moving pictures costs frames. */
const MANY = 48;

/** The wall as one output shows it: it ties its parts together and draws nothing itself. */
export class WallView {
  #host;
  #signal;
  #clock = new StepClock();
  #keys = new Keys();
  #players;
  #header;
  #sheet;
  #focus;
  #rover;
  #transport;
  /** @type {Map<number, TileView>} */
  #tiles = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beat;
  #help = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-help", "aria-label": "Keys" }));
  element = make("div", { class: "gg-wall" });

  /**
   * @param {Host} host
   * @param {AbortSignal} signal
   */
  constructor(host, signal) {
    const { store, state, media } = host;
    this.#host = host;
    this.#signal = signal;
    this.#players = new Players(media, this.#clock, signal);
    this.#header = new Header(store);
    this.#sheet = new Sheet(store);
    this.#rover = new Rover(this.#tiles, this.#sheet.element);
    this.#focus = new Focus(store, media, signal);
    this.#transport = new Transport(state, this.#clock, (position) => this.#seek(position), signal);
    this.#build();
    this.#bind();
    this.#listen();
    store.subscribe((changed) => this.#changed(changed), signal);
    state.subscribe((changed) => this.#look(changed), signal);
    followTheme(this.element, signal);
    this.#changed(null);
  }

  /** @returns {object} what tests and the curious ask for */
  get figures() {
    return { ...this.#players.counts, position: this.#clock.at(performance.now()), length: this.#clock.length };
  }

  #build() {
    const { element: header, progress, live } = this.#header;
    header.append(this.#transport.element);
    const scroll = make("div", { class: "gg-scroll" }, this.#sheet.element);
    this.element.append(header, progress, scroll, live, this.#focus.element, this.#help);
  }

    #bind() {
    const onTile = (/** @type {KeyboardEvent} */ { target }) => idOf(target) >= 0;
    this.#transport.bind(this.#keys);
    this.#rover.bind(this.#keys);
    this.#keys.add(
      { keys: ["Enter"], scope: "wall", does: "open a clip; arrow keys walk on, Esc closes", when: onTile, act: () => this.#open(this.#rover.current) },
      { keys: ["?"], does: "this list", act: () => this.#showKeys() },
      { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], scope: "stage", does: "", act: ({ key }) => this.#walk(key) },
    );
  }

  #listen() {
    const { element } = this;
    const options = { signal: this.#signal };
    element.addEventListener("keydown", (event) => this.#key(event), options);
    element.addEventListener("click", (event) => this.#clicked(event), options);
    element.addEventListener("focusin", (event) => this.#rover.rove(idOf(event.target)), options);
    element.addEventListener("pointerover", (event) => this.#hover(event), options);
    this.#focus.element.addEventListener("close", () => this.#closed(), options);
    const second = setInterval(() => this.#second(), 1000);
    this.#signal.addEventListener("abort", () => clearInterval(second));
  }

  /** @param {Set<string>} changed names of what the person chose anew */
  #look(changed) {
    if (changed.has("rows") || changed.has("cols")) this.#arrange();
    if (changed.has("tile")) this.#shape();
    this.#apply();
  }

  /** @param {number[] | null} changed */
  #changed(changed) {
    if (changed === null) this.#rebuild();
    else for (const id of changed) this.#tiles.get(id)?.update();
    const longest = this.#host.store.length;
    const reshaped = longest !== this.#clock.length;
    if (reshaped) this.#clock.resize(longest, performance.now());
    const touched = changed === null || reshaped ? [...this.#tiles.keys()] : changed;
    this.#shape(touched);
    for (const id of touched) this.#players.refresh(/** @type {TileView} */ (this.#tiles.get(id)));
    this.#header.update();
    this.#apply();
  }

  #rebuild() {
    for (const id of this.#host.store.tiles.keys()) {
      const known = this.#tiles.get(id);
      if (known) known.update();
      else this.#add(new TileView(this.#host.store, id));
    }
    this.#arrange();
  }

  /** @param {TileView} tile */
  #add(tile) {
    this.#tiles.set(tile.id, tile);
    this.#players.observe(tile);
    if (this.#rover.current < 0) this.#rover.rove(tile.id);
  }

  #arrange() {
    const before = this.#places();
    const { rows, cols } = this.#host.state.now;
    this.#sheet.lay(this.#tiles, rows, cols);
    this.#shape();
    this.#players.follow();
    if (before.size && !wantsStill()) this.#glide(before);
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
    for (const id of ids) this.#tiles.get(id)?.shape(this.#host.state.now.tile);
  }

  #apply() {
    const now = performance.now();
    const { loop, muted, playing: wanted } = this.#host.state.now;
    const playing = wanted && this.#clock.length > 0;
    this.#clock.loop = loop;
    if (playing && !this.#clock.playing) this.#clock.play(now);
    else if (!playing && this.#clock.playing) this.#clock.pause(now);
    this.#focus.loop = loop;
    this.#focus.muted = muted;
    this.#focus.apply();
    mark(this.element, "data-playing", playing ? "" : null);
    this.#players.hover(null);
    this.#players.follow();
    this.#transport.draw(now);
    if (playing) this.#run();
  }

  /** Follow the clock for as long as it runs; a few times a second, since each stroke costs every player a frame. */
  #run() {
    clearInterval(this.#beat);
    let beats = 0;
    this.#beat = setInterval(() => {
      const now = performance.now();
      if (this.#clock.ended(now)) this.#host.state.set({ playing: false });
      if (this.#signal.aborted || !this.#clock.playing) return clearInterval(this.#beat);
      this.#transport.draw(now);
      if (beats++ % 2) this.#players.follow();
    }, BEAT);
  }

  /** @param {number} position seconds */
  #seek(position) {
    const now = performance.now();
    this.#clock.seek(position, now);
    this.#players.follow();
    this.#transport.draw(now);
  }

  #second() {
    this.element.closest(".gridgen-gallery")?.addEventListener("keydown", holdKey, { signal: this.#signal });
    const gone = this.element.closest(".jupyter-widgets-disconnected");
    mark(this.element, "data-gone", gone ? "" : null);
    mark(this.element, "data-many", this.#players.counts.visible > MANY ? "" : null);
    if (gone) return;
    for (const tile of this.#tiles.values()) if (toneOf(tile.data.status) === "busy") tile.tick();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") return;
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#keys.press(event, this.#focus.element.open ? "stage" : "wall")) event.preventDefault();
  }

  /** @param {string} arrow */
  #walk(arrow) {
    const next = this.#rover.next(arrow);
    if (next !== this.#rover.current) this.#open(next);
  }

  /** @param {number} id */
  #open(id) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    this.#rover.rove(id);
    this.#players.hover(null);
    this.#players.suspend(true);
    this.#focus.show(tile, this.#clock.at(performance.now()));
  }

  #closed() {
    this.#players.suspend(false);
    this.#rover.go(this.#rover.current);
  }

  #showKeys() {
    const items = this.#keys.list.flatMap(([keys, does]) => [make("dt", { text: keys }), make("dd", { text: does })]);
    this.#help.replaceChildren(make("h3", { text: "Keys" }), make("dl", {}, ...items));
    this.#help.showModal();
  }

  /** @param {MouseEvent} event */
  #clicked({ target }) {
    if (target === this.#help) this.#help.close();
    const id = idOf(target);
    if (id >= 0 && !getSelection()?.toString()) this.#open(id);
  }

  /** @param {PointerEvent} event */
  #hover({ target, pointerType }) {
    if (pointerType === "touch" || wantsStill()) return;
    this.#players.hover(this.#tiles.get(idOf(target)) ?? null);
  }
}

/** @param {Event} event kept from the notebook, whose shortcuts would change cells */
function holdKey(event) {
  if (/** @type {KeyboardEvent} */ (event).key !== "Escape") event.stopPropagation();
}
