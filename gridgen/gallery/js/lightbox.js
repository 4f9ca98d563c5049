import { icon, make, mark, wantsStill, write } from "./dom.js";
import { compare, describe } from "./metadata.js";
import { Player } from "./player.js";
import { nameOf, shapeOf } from "./tile.js";
import { Transport } from "./transport.js";

/**
 * @typedef {import("./playback.js").Playback} Playback
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {"side" | "flip" | "wipe"} Way how several clips share the stage
 * @typedef {{id: number, player: Player | null, element: HTMLElement, gone: AbortController}} Pane
 */

const CROSS = "M4 4 12 12 M12 4 4 12";
const LEFT_ARROW = "M10 3.5 5 8 10 12.5";
const RIGHT_ARROW = "M6 3.5 11 8 6 12.5";
/** Pixels that a finger goes across for the next clip. */
const SWIPE = 48;
export const LETTERS = "ABCD";
/** Frames by which a clip can be shifted, so that an address can name them. */
const MOST_SHIFT = 9999;
/** @type {[Way, string, string][]} */
const WAYS = [
  ["side", "Side by side", "S"],
  ["flip", "Flip", "F"],
  ["wipe", "Wipe", "W"],
];

/** One to four clips, large, on the clock of the wall, with what was asked and what came of it. */
export class Lightbox {
  #host;
  #deck;
  #signal;
  /** @type {Pane[]} */
  #panes = [];
  /** @type {Way} */
  #way = "side";
  /** The pane that is seen when flipping, and that may sound. */
  #front = 0;
  /** @type {{x: number, y: number} | null} where a finger came down */
  #touched = null;
  #turn;
  #back = make("button", { class: "gg-button gg-before", type: "button", "aria-label": "Clip before", title: "Clip before (←)" }, icon(LEFT_ARROW));
  #on = make("button", { class: "gg-button gg-next", type: "button", "aria-label": "Next clip", title: "Next clip (→)" }, icon(RIGHT_ARROW));
  #paused = false;
  #title = make("span", { class: "gg-stage-title", dir: "auto" });
  #ways = make("div", { class: "gg-ways", role: "group", "aria-label": "How to compare" });
  #screen = make("div", { class: "gg-screen" });
  #facts = make("div", { class: "gg-facts" });
  #shifted = make("span", { class: "gg-shift-said", role: "status" });
  #unshift = stageButton("Not shifted any more (R)", CROSS);
  #shifts = make("div", { class: "gg-shift", role: "group", "aria-label": "Shift of one clip against the others" });
  #wipe = /** @type {HTMLInputElement} */ (
    make("input", { class: "gg-wipe", type: "range", min: 0, max: 1000, value: 500, "aria-label": "Where A ends and B begins" })
  );
  element = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-stage", "aria-label": "Clip", tabindex: "-1" }));
  /** What plays its clips, and the bar at its foot. */
  transport;
  foot;
  /** What further parts may be added to, beside the facts. */
  aside = make("aside", { class: "gg-aside", tabindex: "0", "aria-label": "About what is shown" }, this.#facts);

  /**
   * @param {Host} host
   * @param {Playback} deck
   * @param {(by: number) => (() => void) | null} turn what opens the clip so many places on, null where there is none
   * @param {AbortSignal} signal
   */
  constructor(host, deck, turn, signal) {
    this.#host = host;
    this.#turn = turn;
    this.#deck = deck;
    this.#signal = signal;
    const close = make("button", { class: "gg-button gg-close", type: "button", "aria-label": "Close (Esc)", title: "Close (Esc)" }, icon(CROSS));
    const head = make("div", { class: "gg-stage-head" }, this.#title, this.#ways, this.#shifts, make("span", { class: "gg-turns" }, this.#back, this.#on), close);
    this.transport = new Transport(deck, signal);
    this.foot = this.transport.element;
    this.element.append(make("div", { class: "gg-card" }, head, this.#screen, this.aside, this.foot));
    this.#build();
    const options = { signal };
    close.addEventListener("click", () => this.element.close(), options);
    this.element.addEventListener("click", ({ target }) => target === this.element && this.element.close(), options);
    this.element.addEventListener("close", () => this.element.open || this.#clear(), options);
    this.#wipe.addEventListener("input", () => this.#wiped(), options);
    deck.follow((beat) => beat % 2 || this.follow(), signal);
    host.state.subscribe((changed) => {
      if (changed.has("shift")) this.#drawShift();
      this.follow();
    }, signal);
    signal.addEventListener("abort", () => this.#clear());
  }

  /** @returns {number[]} ids of the clips on it, none while it is closed */
  get ids() {
    return this.element.open ? this.#panes.map(({ id }) => id) : [];
  }

  /** @returns {number} id of the clip that is meant by what a person does, -1 while it is closed */
  get front() {
    return this.ids[this.#front] ?? -1;
  }

  /**
   * @param {number} id
   * @param {number} [fps] frames a second of the clip with the most
   * @returns {number} seconds by which a clip is ahead of those that it is compared with
   */
  shiftOf(id, fps = this.#deck.fps) {
    return this.#panes.length > 1 ? (this.#host.state.now.shift[id] ?? 0) / fps : 0;
  }

  /** @param {number} id @returns {HTMLElement | undefined} what shows the clip */
  pane(id) {
    return this.#panes.find((pane) => pane.id === id)?.element;
  }

  /** @param {Keys} keys */
  bind(keys) {
    const several = () => this.#panes.length > 1;
    keys.add(
      "Comparing",
      { keys: ["f"], scope: "stage", does: "compared clips: flip to the next in the same place", when: several, act: () => this.#flip() },
      { keys: ["w"], scope: "stage", does: "compared clips: wipe between the first two", when: several, act: () => this.#arrange("wipe") },
      { keys: ["s"], scope: "stage", does: "compared clips: side by side", when: several, act: () => this.#arrange("side") },
      { keys: ["j", "k"], scope: "stage", does: "compared clips: shift the second, or the one clicked, by a frame back or on", when: several, act: ({ key }) => this.#shift(key === "j" ? -1 : 1) },
      { keys: ["r"], scope: "stage", does: "compared clips: shift it no more", when: several, act: () => this.#shift(0) },
      { keys: ["ArrowLeft", "ArrowRight"], scope: "stage", does: "", when: () => several() && this.#way === "wipe", act: ({ key }) => this.#nudge(key) },
    );
  }

  /**
   * Put clips on it. The position is kept.
   *
   * @param {number[]} ids one to be looked at, up to four to be compared
   */
  show(ids) {
    const before = new Map(this.#panes.map((pane) => [pane.id, pane]));
    for (const [id, pane] of before) if (!ids.includes(id)) this.#release(pane);
    this.#panes = ids.map((id) => before.get(id) ?? this.#pane(id));
    this.#front = Math.min(this.#front, ids.length - 1);
    this.#screen.replaceChildren(...this.#panes.map(({ element }) => element), this.#wipe);
    this.#describe();
    this.#arrange(ids.length > 1 ? this.#way : "side");
    this.#sound();
    if (!this.element.open) this.#open();
    for (const pane of this.#panes) if (!before.has(pane.id)) this.#load(pane);
    this.follow();
  }

  /** Bring its players to the clock. */
  follow() {
    if (!this.element.open) return;
    const { mode, muted, solo } = this.#host.state.now;
    const { clock } = this.#deck;
    const now = performance.now();
    for (const { id, player, element } of this.#panes) {
      if (!player?.ready) continue;
      const silent = muted || id !== solo;
      if (player.video.muted !== silent) player.video.muted = silent;
      const shift = this.shiftOf(id);
      const over = clock.playing ? player.step(clock, mode, now, shift) : player.rest(clock, mode, now, shift);
      mark(element, "data-over", over ? "" : null);
    }
  }

  /** Draw what is known of its clips, as it now is. */
  update() {
    if (this.element.open) this.#describe();
  }

  #build() {
    const options = { signal: this.#signal };
    for (const [way, says, key] of WAYS) {
      const button = make("button", { class: "gg-way", type: "button", "data-way": way, title: `${says} (${key})`, text: says });
      button.addEventListener("click", () => (way === "flip" && this.#way === "flip" ? this.#flip() : this.#arrange(way)), options);
      this.#ways.append(button);
    }
    const [back, on] = [stageButton("One frame back against the others (J)", LEFT_ARROW), stageButton("One frame on against the others (K)", RIGHT_ARROW)];
    this.#shifts.append(back, this.#shifted, on, this.#unshift);
    for (const [button, by] of /** @type {[HTMLElement, number][]} */ ([[back, -1], [on, 1], [this.#unshift, 0]])) button.addEventListener("click", () => this.#shift(by), options);
    this.#back.addEventListener("click", () => this.#go(-1), options);
    this.#on.addEventListener("click", () => this.#go(1), options);
    this.#screen.addEventListener("pointerdown", ({ pointerType, clientX: x, clientY: y }) => (this.#touched = pointerType === "touch" ? { x, y } : null), options);
    this.#screen.addEventListener("pointerup", (event) => this.#swiped(event), options);
    const drag = (/** @type {PointerEvent} */ event) => {
      if (this.#way !== "wipe" || !event.buttons) return;
      const { left, width } = this.#screen.getBoundingClientRect();
      this.#wipe.value = String(((event.clientX - left) / width) * 1000);
      this.#wiped();
    };
    for (const type of ["pointerdown", "pointermove"]) this.#screen.addEventListener(type, (event) => drag(/** @type {PointerEvent} */ (event)), options);
  }

  /** @param {number} by places */
  #go(by) {
    this.#turn(by)?.();
  }

  /** @param {PointerEvent} event the end of a touch */
  #swiped({ clientX, clientY }) {
    const from = this.#touched;
    this.#touched = null;
    if (!from || this.#panes.length !== 1) return;
    const [across, down] = [clientX - from.x, clientY - from.y];
    if (Math.abs(across) >= SWIPE && Math.abs(across) > 2 * Math.abs(down)) this.#go(across < 0 ? 1 : -1);
  }

  #open() {
    this.#paused = !this.#host.state.now.playing;
    this.element.showModal();
    this.element.focus();
    if (!wantsStill()) this.#host.state.set({ playing: true });
  }

  /** @param {number} id @returns {Pane} */
  #pane(id) {
    const tile = this.#tile(id);
    const player = tile.path ? new Player(this.#host.media, tile, "path", "gg-large", "preview") : null;
    const element = make("figure", { class: "gg-pane", "data-id": id });
    element.style.setProperty("--gg-ratio", String(shapeOf(this.#host.store, tile)));
    element.append(make("figcaption", { class: "gg-letter" }));
    if (!player) element.append(make("p", { class: "gg-none", "data-tone": "idle", text: tile.status }));
    const gone = new AbortController();
    element.addEventListener("click", () => this.#come(id), { signal: gone.signal });
    return { id, player, element, gone };
  }

  /** @param {Pane} pane */
  async #load({ id, player, element, gone }) {
    if (!player) return;
    const say = (/** @type {string} */ reason) => element.append(make("p", { class: "gg-none", "data-tone": "bad", text: `It cannot be played: ${reason}.` }));
    this.#backdrop(id, element, gone.signal);
    await player.load({ ready: () => this.follow(), failed: (_, reason) => say(reason) }, (video) => element.append(video));
    await this.#link(id);
  }

  /** @param {number} id @param {HTMLElement} element what is seen until the original is there @param {AbortSignal} signal */
  async #backdrop(id, element, signal) {
    const tile = { ...this.#tile(id) };
    if (!tile.poster) return;
    const { media } = this.#host;
    try {
      const src = await media.url(tile, "poster", signal);
      if (signal.aborted) return media.free(tile, "poster");
      signal.addEventListener("abort", () => media.free(tile, "poster"));
      element.prepend(make("img", { class: "gg-still", alt: "", src }));
    } catch {
      // The clip itself is on its way.
    }
  }

  /** @param {number} id the file's own address, where there is one */
  async #link(id) {
    const url = await this.#host.media.address(this.#tile(id), "path");
    const name = this.#facts.querySelector(".gg-file");
    if (!url || !name?.textContent || this.#panes.length !== 1 || this.#panes[0].id !== id) return;
    name.replaceChildren(make("a", { href: url, target: "_blank", rel: "noopener", text: name.textContent }));
  }

  #describe() {
    const { store } = this.#host;
    const tiles = this.#panes.map(({ id }) => this.#tile(id));
    const several = tiles.length > 1;
    const letters = [...LETTERS].slice(0, tiles.length);
    this.#drawShift();
    this.#facts.replaceChildren(...(several ? [compare(store, tiles, letters)] : describe(store, tiles[0])));
    this.#panes.forEach(({ element }, at) => {
      mark(element, "aria-label", `${several ? `${letters[at]}: ` : ""}${nameOf(store, tiles[at])}`);
    });
    write(this.#title, several ? `${tiles.length} clips compared` : store.name);
    mark(this.element, "data-count", String(tiles.length));
    this.#back.toggleAttribute("disabled", several || !this.#turn(-1));
    this.#on.toggleAttribute("disabled", several || !this.#turn(1));
  }

  /** @param {Way} way */
  #arrange(way) {
    this.#way = way;
    mark(this.element, "data-way", way);
    this.#ways.hidden = this.#panes.length < 2;
    for (const button of this.#ways.children) mark(button, "aria-pressed", String(button.getAttribute("data-way") === way));
    this.#panes.forEach(({ element }, at) => mark(element, "data-front", at === this.#front ? "" : null));
    this.#wipe.hidden = way !== "wipe";
    this.#screen.style.setProperty("--gg-tall", this.#tall().toFixed(4));
    this.#drawShift();
    this.#wiped();
    this.#sound();
  }

  /** @returns {number} which pane is shifted against the first */
  get #mover() {
    return Math.max(this.#front, 1);
  }

  /** @param {number} by frames, 0 to be ahead by none */
  #shift(by) {
    const { id } = this.#panes[this.#mover];
    const { shift } = this.#host.state.now;
    const most = Math.max(0, Math.min(Math.floor((this.#tile(id).seconds ?? 0) * this.#deck.fps) - 1, MOST_SHIFT));
    const frames = by && Math.min(Math.max((shift[id] ?? 0) + by, -most), most);
    const others = Object.fromEntries(Object.entries(shift).filter(([each]) => Number(each) !== id));
    this.#host.state.set({ shift: frames ? { ...others, [id]: frames } : others });
  }

  #drawShift() {
    const { shift } = this.#host.state.now;
    const several = this.#panes.length > 1;
    this.#shifts.hidden = !several;
    this.#panes.forEach(({ id, element }, at) => {
      const frames = several ? (shift[id] ?? 0) : 0;
      write(/** @type {Element} */ (element.querySelector(".gg-letter")), several ? `${LETTERS[at]}${frames ? ` ${signed(frames)}` : ""}` : "");
      if (at !== this.#mover) return;
      write(this.#shifted, `${LETTERS[at]}: ${signed(frames)} ${Math.abs(frames) === 1 ? "frame" : "frames"}`);
      this.#unshift.hidden = !frames;
    });
  }

  /** @returns {number} height by width of a screen that leaves the tallest clip no bars */
  #tall() {
    const ratios = this.#panes.map(({ id }) => shapeOf(this.#host.store, this.#tile(id)));
    const [columns, rows] = this.#way !== "side" ? [1, 1] : ratios.length === 4 ? [2, 2] : [ratios.length, 1];
    return rows / (Math.min(...ratios) * columns);
  }

  #wiped() {
    this.#screen.style.setProperty("--gg-wipe", `${Number(this.#wipe.value) / 10}%`);
  }

  /** @param {string} arrow */
  #nudge(arrow) {
    this.#wipe.value = String(Number(this.#wipe.value) + (arrow === "ArrowLeft" ? -25 : 25));
    this.#wiped();
  }

  #flip() {
    this.#front = this.#way === "flip" ? (this.#front + 1) % this.#panes.length : 0;
    this.#arrange("flip");
  }

  /** @param {number} id whose sound is meant from now on */
  #come(id) {
    if (this.#way === "flip") return this.#flip();
    this.#front = Math.max(0, this.#panes.findIndex((pane) => pane.id === id));
    this.#arrange(this.#way);
  }

  #sound() {
    const front = this.#panes[this.#front];
    if (front) this.#host.state.set({ solo: front.id });
  }

  /** @param {number} id @returns {Tile} */
  #tile(id) {
    return /** @type {Tile} */ (this.#host.store.tiles.get(id));
  }

  /** @param {Pane} pane */
  #release({ player, element, gone }) {
    gone.abort();
    player?.release();
    element.remove();
  }

  #clear() {
    for (const pane of this.#panes) this.#release(pane);
    if (this.#panes.length && this.#paused && !this.#signal.aborted) this.#host.state.set({ playing: false });
    this.#panes = [];
    this.#front = 0;
  }
}

/** @param {string} says @param {string} path */
function stageButton(says, path) {
  return make("button", { class: "gg-button", type: "button", title: says, "aria-label": says }, icon(path));
}

/** @param {number} frames */
function signed(frames) {
  return `${frames > 0 ? "+" : frames < 0 ? "−" : ""}${Math.abs(frames)}`;
}
