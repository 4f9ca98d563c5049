import { Autoplay } from "./autoplay.js";
import { Playback } from "./playback.js";
import { followTheme, idOf, make, mark, wantsStill } from "./dom.js";
import { Pairwise } from "./pairwise.js";
import { keepFocus } from "./focus.js";
import { Header } from "./header.js";
import { Keys, meaningsOf } from "./keys.js";
import { tell } from "./labels.js";
import { Menus } from "./menus.js";
import { MomentField } from "./moment_field.js";
import { MomentTicks } from "./moment_ticks.js";
import { fitPane } from "./pane.js";
import { Players } from "./players.js";
import { Review } from "./review.js";
import { Roving } from "./roving.js";
import { Sender } from "./send_ratings.js";
import { Sheet } from "./sheet.js";
import { Lightbox } from "./lightbox.js";
import { Tabs } from "./tabs.js";
import { Tooltip } from "./tooltip.js";
import { Tools } from "./tile_toolbar.js";
import { Toast } from "./toast.js";
import { Transport } from "./transport.js";
import { CompareTray } from "./compare_tray.js";
import { toneOf } from "./status_texts.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./tile.js").TileView} TileView
 */

/** Clips in view beyond which their corners are square: rounding so many moving pictures costs frames. */
const MANY = 48;
/** Milliseconds that each value of an axis is shown for while its tabs take turns and nothing plays. */
const TURN = 2000;
/** Milliseconds without scrolling after which players are loaded again. */
const STILL_FOR = 120;
/** What of the view moves tiles. */
const LAYOUT = ["rows", "cols", "tabs", "filter", "sort", "fit", "tile"];

/** The wall as one output shows it: it ties its parts together and draws nothing itself. */
export class WallView {
  #host;
  #signal;
  #keys = new Keys();
  #tip = new Tooltip();
  #help = /** @type {HTMLDialogElement} */ (make("dialog", { class: "gg-help", "aria-label": "Keys", tabindex: "0" }));
  #deck;
  #players;
  #header;
  #sheet;
  #rover;
  #stage;
  #tabs;
  #tools;
  #tray;
  #review;
  #duel;
  #toast;
  #foot;
  #auto;
  #field;
  /** Id of the clip under the pointer, -1 for none; what keys steer to counts for more until the pointer moves again. */
  #pointed = -1;
  #steered = false;
  /** Whether something lies over the wall, or has just gone: the browser then gives the focus back to where it was. */
  #over = false;
  #width = 0;
  #turned = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  element = make("div", { class: "gg-wall", tabindex: "-1" });

  /**
   * @param {Host} host
   * @param {AbortSignal} signal
   */
  constructor(host, signal) {
    const { store, state, media } = host;
    this.#host = host;
    this.#signal = signal;
    this.#deck = new Playback(state, signal);
    this.#players = new Players(media, this.#deck.clock, state, signal);
    this.#header = new Header(store);
    this.#sheet = new Sheet(store, { enter: (tile) => this.#enter(tile), leave: (tile) => this.#players.leave(tile) }, signal);
    this.#rover = new Roving(this.#sheet);
    this.#stage = new Lightbox(host, this.#deck, (by) => this.#beyond(by), signal);
    this.#tabs = new Tabs(store, state, signal);
    this.#tray = new CompareTray(host, this.#sheet, () => this.#compare(), signal);
    this.#tools = new Tools(host, this.#players, { pin: (id) => this.#tray.toggle(id), hear: (id) => this.#hear(id) }, signal);
    const parts = { sheet: this.#sheet, stage: this.#stage, rover: this.#rover, tools: this.#tools };
    this.#review = new Review(host, { ...parts, open: (id) => this.#open(id) }, signal);
    this.#duel = new Pairwise(host, this.#deck, signal);
    const bar = new Transport(this.#deck, signal);
    this.#foot = bar.element;
    this.#auto = new Autoplay(state, signal);
    this.#toast = new Toast(host, () => this.#back(), signal);
    this.#field = new MomentField(host.judging, signal);
    const say = (/** @type {string} */ words) => this.#toast.tell(words);
    const [onWall, onStage] = [
      () => [...this.#sheet.places.keys()].map((id) => ({ id, shift: 0 })),
      () => this.#stage.ids.map((id) => ({ id, shift: this.#stage.shiftOf(id) })),
    ];
    bar.track.append(new MomentTicks(host, this.#deck, onWall, say, signal).element);
    this.#stage.transport.track.append(new MomentTicks(host, this.#deck, onStage, say, signal).element);
    this.#build();
    this.#bind();
    this.#listen();
    followTheme(this.element, signal);
    keepFocus(this.element, signal);
    fitPane(this.element, this.#sheet.element, signal);
    this.#changed(null);
  }

  /** @returns {object} what tests and the curious ask for */
  get figures() {
    const { clock } = this.#deck;
    return { ...this.#players.counts, tiles: [...this.#sheet.views].length, position: clock.at(performance.now()), length: clock.length };
  }

  /** @returns {Iterable<number>} ids of the clips that it shows, in its order */
  get shown() {
    return this.#sheet.places.keys();
  }

  #build() {
    const { element: header, progress, live } = this.#header;
    const menus = this.#host.bare && this.#host.menus.length ? [new Menus(this.#host, this.#signal).element] : [];
    const fold = make("button", { class: "gg-button gg-fold", type: "button", "aria-expanded": "false", text: "Menus" });
    fold.addEventListener("click", () => this.#unfold(fold), { signal: this.#signal });
    if (this.#host.phone) header.append(fold);
    const help = make("button", { class: "gg-button", type: "button", title: "Keys (?)", "aria-label": "Keys", text: "?" });
    help.addEventListener("click", () => this.#showKeys(), { signal: this.#signal });
    this.#foot.append(this.#auto.element, help, this.#toast.element);
    const blind = make("button", { class: "gg-button gg-blind", type: "button", title: "Which of two is better, without knowing what they are (B)", text: "Blind rounds" });
    blind.addEventListener("click", () => this.#challenge(), { signal: this.#signal });
    this.#review.bar.append(blind);
    if (this.#host.book) this.#review.bar.append(new Sender(this.#host.book, this.#signal).element);
    const shelf = make("div", { class: "gg-shelf" }, this.#tabs.element, this.#review.bar);
    this.element.append(header, progress, ...menus, shelf, this.#sheet.element, this.#tray.element, this.#foot);
    this.element.append(live, this.#stage.element, this.#duel.element, this.#help, this.#tip.element);
  }

  /** @param {HTMLElement} button that shows what is folded on a narrow page, or hides it */
  #unfold(button) {
    const open = !this.element.hasAttribute("data-unfolded");
    mark(this.element, "data-unfolded", open ? "" : null);
    mark(button, "aria-expanded", String(open));
  }

  #bind() {
    const onTile = (/** @type {import("./keys.js").Pressed} */ { target }) => idOf(target) >= 0;
    const here = () => this.#stage.ids[0] ?? this.#rover.current;
    Transport.bind(this.#keys, this.#deck);
    this.#rover.bind(this.#keys);
    this.#tabs.bind(this.#keys);
    this.#keys.add(
      "Moving",
      { keys: ["Enter"], scope: "wall", does: "open a clip; arrow keys walk on, Esc closes", when: onTile, act: () => this.#open(this.#rover.current) },
      { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], scope: "stage", does: "", when: () => this.#stage.ids.length === 1, act: ({ key }) => this.#walk(key) },
    );
    this.#keys.add("Playing", { keys: ["m"], scope: "wall", does: "", when: onTile, act: () => this.#hear(this.#rover.current) });
    this.#keys.add(
      "Comparing",
      { keys: ["c"], does: "put a clip aside to be compared, or back", when: (pressed) => this.#stage.element.open || onTile(pressed), act: () => this.#tray.toggle(here()) },
      { keys: ["v"], does: "compare the clips put aside", act: () => this.#compare() },
    );
    this.#stage.bind(this.#keys);
    this.#review.bind(this.#keys);
    const aimed = (/** @type {import("./keys.js").Pressed} */ pressed) => this.#stage.element.open || this.#aim >= 0 || onTile(pressed);
    this.#keys.add("Judging", { keys: ["n"], does: "write a note at this moment of the clip that is pointed at, or has the focus", when: aimed, act: () => this.#note() });
    this.#keys.add("Judging", { keys: ["b"], scope: "wall", does: "blind rounds between the clips that are shown, or selected", act: () => this.#challenge() });
    this.#keys.add(
      "The wall",
      { keys: ["-", "+", "="], shown: "- + =", scope: "wall", does: "smaller, larger tiles, or fill the width", act: ({ key }) => this.#zoom(key) },
      { keys: ["?"], does: "this list", act: () => this.#showKeys() },
    );
  }

  #listen() {
    const { element } = this;
    const { store, state } = this.#host;
    const options = { signal: this.#signal };
    element.addEventListener("keydown", (event) => this.#key(event), options);
    document.addEventListener("keydown", (event) => this.#keyElsewhere(event), options);
    element.addEventListener("pointermove", () => (this.#steered = false), { ...options, passive: true });
    element.addEventListener("click", (event) => this.#clicked(event), options);
    element.addEventListener("focusin", ({ target }) => this.#focused(target), options);
    element.addEventListener("focusout", ({ target }) => target instanceof Element && target.closest(".gg-head") && this.#tip.hide(), options);
    element.addEventListener("pointerover", (event) => this.#hover(event), options);
    element.addEventListener("pointerleave", () => this.#unhover(), options);
    this.#sheet.element.addEventListener("scroll", () => this.#scrolled(), { ...options, passive: true });
    for (const over of [this.#stage.element, this.#duel.element]) over.addEventListener("close", () => this.#closed(), options);
    store.subscribe((changed) => this.#changed(changed), this.#signal);
    state.subscribe((changed) => this.#look(changed), this.#signal);
    this.#deck.follow((beat) => beat % 2 || this.#players.follow(), this.#signal);
    this.#deck.onWrap(() => this.#turn(), this.#signal);
    this.#deck.onSeek(() => this.#players.gather(this.#pointed), this.#signal);
    const resized = new ResizeObserver(() => this.#resized());
    resized.observe(this.#sheet.element);
    const second = setInterval(() => this.#second(), 1000);
    this.#signal.addEventListener("abort", () => {
      resized.disconnect();
      clearInterval(second);
      clearTimeout(this.#settling);
      this.#sheet.clear();
    });
  }

  /** @param {Set<string>} changed names of what the person chose anew */
  #look(changed) {
    if (LAYOUT.some((name) => changed.has(name))) this.#arrange();
    if (changed.has("shift")) this.#cast();
    if (changed.has("cycle")) this.#tabs.draw(this.#sheet.plan.tabs);
    if (changed.has("muted") || changed.has("solo")) for (const tile of this.#sheet.views) this.#players.refresh(tile);
    mark(this.element, "data-playing", this.#deck.clock.playing ? "" : null);
    if (changed.has("playing")) this.#players.hover(null);
    this.#players.follow();
    this.#tools.draw();
  }

  /** @param {number[] | null} changed ids, null for all */
  #changed(changed) {
    const ids = changed ?? [...this.#sheet.views].map(({ id }) => id);
    for (const id of ids) this.#sheet.view(id)?.update();
    if (changed === null || this.#sheet.stale(changed, this.#host.state.now)) this.#arrange();
    else this.#cast();
    for (const id of ids) {
      const tile = this.#sheet.view(id);
      if (tile) this.#players.refresh(tile);
    }
    if (changed === null || this.#stage.ids.some((id) => changed.includes(id))) this.#stage.update();
    this.#header.update();
    this.#tray.draw();
    this.#tools.draw();
    this.#review.changed(changed);
  }

  #arrange() {
    this.#sheet.single = this.#host.phone?.matches ?? false;
    mark(this.element, "data-single", this.#sheet.single ? "" : null);
    this.#sheet.lay(this.#host.state.now);
    this.#players.fit();
    this.#rover.settle();
    this.#tabs.draw(this.#sheet.plan.tabs);
    this.#cast();
  }

  /** Let the clock run as long as those clips that are shown. */
  #cast() {
    const { store } = this.#host;
    const ids = this.#stage.ids.length ? this.#stage.ids : [...this.#sheet.places.keys()];
    const playable = ids.flatMap((id) => {
      const tile = store.tiles.get(id);
      return tile?.status === "done" && tile.seconds ? [tile] : [];
    });
    const fps = playable.reduce((most, { fps }) => Math.max(most, fps ?? 0), 0) || 24;
    this.#deck.cast(playable.map(({ id, seconds }) => Math.max(Number(seconds) - this.#stage.shiftOf(id, fps), 1 / fps)), fps);
    if (playable.length) this.#auto.begin();
  }

  /** @param {TileView} tile that now exists */
  #enter(tile) {
    mark(tile.element, "tabindex", tile.id === this.#rover.current ? "0" : "-1");
    this.#players.enter(tile);
    this.#tray.dress(tile);
    this.#review.dress(tile);
  }

  #resized() {
    const wide = this.#sheet.element.clientWidth;
    if (wide === this.#width) return this.#sheet.window();
    this.#width = wide;
    this.#arrange();
  }

  #scrolled() {
    this.#tip.hide();
    this.#players.hold(true);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#players.hold(false), STILL_FOR);
  }

  #second() {
    const around = this.element.closest(".gridgen-gallery");
    around?.addEventListener("keydown", holdKey, { signal: this.#signal });
    // ipywidgets draws the slider beside the wall, and gives what is dragged no name
    for (const handle of around?.querySelectorAll(".noUi-handle") ?? []) mark(handle, "aria-label", "Size of the tiles");
    const gone = this.element.closest(".jupyter-widgets-disconnected");
    mark(this.element, "data-gone", gone ? "" : null);
    mark(this.element, "data-many", this.#players.counts.visible > MANY ? "" : null);
    if (this.#host.state.now.cycle && !this.#deck.clock.playing && performance.now() - this.#turned > TURN) this.#turn();
    this.#review.tick();
    if (gone) return;
    this.#header.tick();
    for (const tile of this.#sheet.views) if (toneOf(tile.data.status) === "busy") tile.tick();
  }

  #turn() {
    if (!this.#host.state.now.cycle) return;
    this.#turned = performance.now();
    this.#tabs.cycle();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") return;
    event.stopPropagation();
    if (isTyping(event)) return;
    if (this.#duel.element.open) return this.#duel.key(event);
    const from = this.#rover.current;
    if (this.#keys.press(event, this.#stage.element.open ? "stage" : "wall")) event.preventDefault();
    this.#steered ||= from !== this.#rover.current;
  }

  /** @param {KeyboardEvent} event while the focus is elsewhere: one that is about the clip under the pointer */
  #keyElsewhere(event) {
    const { target, defaultPrevented } = event;
    const away = this.#aim >= 0 && !this.#over && !document.querySelector("dialog[open]") && target instanceof Node && !this.element.contains(target);
    if (!away || defaultPrevented || isTyping(event) || !meaningsOf(event).includes("n")) return;
    event.preventDefault();
    this.#note();
  }

  /** @returns {number} id of the clip that is pointed at, -1 for none */
  get #aim() {
    return !this.#steered && this.#sheet.view(this.#pointed) ? this.#pointed : -1;
  }

  /** Let a note be written at the moment that is shown of the clip that is meant; on the whole of one that cannot play. */
  #note() {
    const open = this.#stage.element.open;
    const id = open ? this.#stage.front : this.#aim >= 0 ? this.#aim : this.#rover.current;
    if (!open && this.#aim < 0 && !this.#sheet.sees(id)) return this.#rover.go(id);
    const { path, seconds } = this.#host.store.tiles.get(id) ?? {};
    const place = open ? this.#stage.pane(id)?.querySelector(".gg-letter") : this.#sheet.view(id)?.frame;
    if (!path || !seconds || !place) return this.#review.write(id, "note");
    const at = this.#players.time(id) ?? this.#deck.moment(seconds, this.#stage.shiftOf(id));
    this.#field.open(id, at, place, open ? this.#stage.element : this.element);
  }

  /** @param {string} key */
  #zoom(key) {
    const { tile } = this.#host.state.now;
    const [first] = this.#sheet.places.values();
    const wide = tile || first?.width || 240;
    const next = Math.round(wide * (key === "+" ? 1.15 : 1 / 1.15));
    this.#host.state.set({ tile: key === "=" ? 0 : Math.min(Math.max(next, 64), 640) });
  }

  /** @param {number} id whose sound is wanted; once more and it is silent again */
  #hear(id) {
    const { muted, solo } = this.#host.state.now;
    this.#host.state.set(muted || solo !== id ? { muted: false, solo: id } : { muted: true });
  }

  /** @param {string} arrow */
  #walk(arrow) {
    const shown = this.#sheet.places.has(this.#stage.front);
    const next = shown ? this.#rover.next(arrow) : this.#rover.current;
    if (next !== this.#stage.front) this.#open(next);
  }

  /** @param {number} by places from the clip that is open, in the order of the sheet @returns {(() => void) | null} */
  #beyond(by) {
    const ids = [...this.#sheet.places.keys()];
    const at = ids.indexOf(this.#rover.current);
    const next = ids[at + by];
    return next === undefined ? null : () => this.#open(next);
  }

  /** @param {number} id */
  #open(id) {
    if (!this.#sheet.places.has(id)) return;
    this.#rover.rove(id);
    this.#sheet.reveal(id);
    this.#present([id]);
  }

  #compare() {
    const pins = this.#host.state.now.pins.filter((id) => this.#host.store.tiles.has(id));
    if (pins.length > 1) this.#present(pins);
  }

  /** Let two clips at a time be compared blindly. */
  #challenge() {
    const { selected } = this.#host.state.now;
    if (this.#duel.open(selected.length > 1 ? selected : [...this.#sheet.places.keys()])) this.#cover();
    else this.#toast.tell("Blind rounds take two finished clips of different cells.");
  }

  /** @param {number[]} ids */
  #present(ids) {
    const alone = this.#players.time(ids[0]);
    this.#cover();
    if (alone !== null) this.#deck.seek(alone);
    this.#stage.show(ids);
    this.#review.present();
    this.#stage.foot.append(this.#toast.element);
    this.#cast();
  }

  /** Let the wall rest under what lies over it. */
  #cover() {
    this.#over = true;
    this.#tip.hide();
    this.#players.hover(null);
    this.#players.suspend(true);
  }

  #closed() {
    if (this.#stage.element.open) return;
    this.#players.suspend(false);
    this.#cast();
    this.#over = false;
    this.#foot.append(this.#toast.element);
    this.#back();
  }

  /** Take the focus to the clip that is meant now. */
  #back() {
    if (this.#stage.element.open) this.#stage.element.focus();
    else this.#rover.go(this.#rover.current);
  }

  #showKeys() {
    const groups = this.#keys.groups.map(([name, listed]) => {
      const items = listed.flatMap(([keys, does]) => [make("dt", { text: keys }), make("dd", { text: does })]);
      return make("section", {}, make("h4", { text: name }), make("dl", {}, ...items));
    });
    this.#help.replaceChildren(make("h3", { text: "Keys" }), make("div", { class: "gg-help-groups" }, ...groups));
    if (!this.#help.open) this.#help.showModal();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const { target } = event;
    if (target === this.#help) this.#help.close();
    const id = idOf(target);
    if (!this.#review.clicked(event) && id >= 0 && !getSelection()?.toString()) this.#open(id);
  }

  /** @param {EventTarget | null} target */
  #focused(target) {
    const tile = this.#sheet.view(idOf(target));
    if (tile) {
      if (!this.#over) this.#rover.rove(tile.id);
      this.#tools.show(tile);
    }
    this.#explain(target);
  }

  /** @param {PointerEvent} event */
  #hover({ target, pointerType }) {
    this.#explain(target);
    if (pointerType === "touch") return;
    this.#point(this.#sheet.view(idOf(target)) ?? null, target instanceof Element && target.closest(".gg-scrubstrip") !== null);
  }

  #unhover() {
    this.#explain(document.activeElement);
    this.#point(null);
  }

  /** @param {TileView | null} tile that is pointed at @param {boolean} [scrubbing] */
  #point(tile, scrubbing = false) {
    this.#pointed = tile?.id ?? -1;
    this.#tools.show(tile ?? this.#sheet.view(idOf(document.activeElement)) ?? null);
    if (!scrubbing) this.#players.hover(wantsStill() ? null : tile);
  }

  /** @param {EventTarget | null} target a header that is shown in short tells all */
  #explain(target) {
    const head = target instanceof Element ? target.closest(".gg-head") : null;
    if (!head?.querySelector("[tabindex]")) return this.#tip.hide();
    const { labels, notes } = this.#host.store.axes[Number(head.getAttribute("data-axis"))];
    const label = /** @type {Element} */ (head.querySelector(".gg-label"));
    const value = Number(head.getAttribute("data-value"));
    const note = notes?.[value] ? [{ text: `– ${notes[value]}`, same: true }] : [];
    this.#tip.show(label, [...tell(labels)[value].parts, ...note]);
  }
}

/** @param {KeyboardEvent} event @returns {boolean} whether it goes into a text */
function isTyping({ target }) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(textarea|select)$/i.test(target.tagName) || target.matches("input:not([type=range])"));
}

/** @param {Event} event kept from the notebook, whose shortcuts would change cells */
function holdKey(event) {
  if (/** @type {KeyboardEvent} */ (event).key !== "Escape") event.stopPropagation();
}
