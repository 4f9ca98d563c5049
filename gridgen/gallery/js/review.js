import { idOf, make, mark, write } from "./dom.js";
import { FilterBar } from "./filter_bar.js";
import { MOST_STARS, spell } from "./judging.js";
import { RatingStrip } from "./rating_strip.js";
import { RatingEditor } from "./rating_editor.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./keys.js").Keys} Keys
 * @typedef {import("./roving.js").Roving} Roving
 * @typedef {import("./sheet.js").Sheet} Sheet
 * @typedef {import("./lightbox.js").Lightbox} Lightbox
 * @typedef {import("./tile.js").TileView} TileView
 * @typedef {import("./tile_toolbar.js").Tools} Tools
 */

const MARKS = { stars: "★", pick: "✓", reject: "✕", said: "✎" };

/** Judging in the wall: by keys, over the tile that is pointed at, and beside the clip that is open; filter and selection. */
export class Review {
  #host;
  #sheet;
  #stage;
  #rover;
  #open;
  #strip;
  #verdict;
  /** @type {Map<number, RatingStrip>} of the clips that are compared */
  #strips = new Map();
  /** @type {Map<number, RatingStrip>} under the clips of a page in one column */
  #under = new Map();
  #signal;
  #counts = make("span", { class: "gg-judged" });
  #message = make("span", { class: "gg-said", role: "status" });
  #last = -1;
  finder;
  /** Further parts may be added to it. */
  bar = make("div", { class: "gg-review" });

  /**
   * @param {Host} host
   * @param {{sheet: Sheet, stage: Lightbox, rover: Roving, tools: Tools, open: (id: number) => void}} parts `open` opens a clip
   * @param {AbortSignal} signal
   */
  constructor(host, { sheet, stage, rover, tools, open }, signal) {
    this.#host = host;
    this.#open = open;
    this.#sheet = sheet;
    this.#stage = stage;
    this.#rover = rover;
    this.#signal = signal;
    this.#strip = new RatingStrip(host.judging, signal);
    tools.attach(this.#strip.element, (id) => this.#strip.show(id));
    this.#verdict = new RatingEditor(host.store, host.judging, signal);
    stage.aside.prepend(this.#verdict.element);
    stage.element.addEventListener("close", () => this.#verdict.keep(), { signal });
    this.finder = new FilterBar(host, signal);
    this.bar.append(this.finder.element, this.#message, this.#counts);
    host.judging.subscribe(() => this.draw(), signal);
    host.state.subscribe((changed) => changed.has("selected") && this.#selected(), signal);
  }

  /** @param {Keys} keys */
  bind(keys) {
    const { judging } = this.#host;
    const stars = Array.from({ length: MOST_STARS + 1 }, (_, at) => String(at));
    const there = (/** @type {import("./keys.js").Pressed} */ { target }) => this.#stage.element.open || idOf(target) >= 0;
    keys.add(
      "Judging",
      { keys: stars, shown: `0 … ${MOST_STARS}`, does: "give stars; the same again takes them back", when: there, act: ({ key }) => this.#judge((id) => judging.star(id, Number(key))) },
      { keys: ["p"], does: "pick, or no longer", when: there, act: () => this.#judge((id) => judging.pick(id, true)) },
      { keys: ["x"], does: "reject, or no longer", when: there, act: () => this.#judge((id) => judging.pick(id, false)) },
      { keys: ["t", "e"], does: "write tags, a note on the whole clip", when: there, act: ({ key }) => this.#judge((id) => this.write(id, key === "t" ? "tags" : "note")) },
      { keys: ["u"], does: "undo the latest rating", act: () => judging.undo() },
    );
    keys.add(
      "Choosing",
      { keys: ["s"], scope: "wall", does: "select, or no longer; also Ctrl+click, and Shift+click for a range", when: there, act: () => this.#judge((id) => this.select(id, false)) },
      { keys: ["h"], scope: "wall", does: "hide the clip until the filter is lifted", when: there, act: () => this.#judge((id) => this.finder.hide(id)) },
    );
  }

  /** @returns {number} the clip that keys are about */
  get here() {
    return this.#stage.element.open ? this.#stage.front : this.#rover.current;
  }

  /** @param {TileView} tile that now exists, or of which something changed */
  dress(tile) {
    const said = this.#host.judging.of(tile.id);
    const { stars, pick, tags, note } = said;
    tile.badge("stars", stars === null ? "" : `${MARKS.stars} ${stars}`, spell(said));
    tile.badge("pick", pick === null ? "" : pick ? MARKS.pick : MARKS.reject, pick ? "picked" : "rejected");
    tile.badge("said", tags.length || note ? MARKS.said : "", [...tags, note].filter(Boolean).join(" · "));
    const all = tile.data.pick ?? null;
    tile.badge("others", pick !== null || all === null ? "" : all ? MARKS.pick : MARKS.reject, all ? "picked by most reviewers" : "rejected by most reviewers");
    mark(tile.element, "data-pick", pick === null ? null : pick ? "picked" : "rejected");
    mark(tile.element, "aria-selected", String(this.#host.state.now.selected.includes(tile.id)));
    tile.remark(spell(said));
    this.#underline(tile);
  }

  /** @param {TileView} tile that has stars under it in one column, where nothing points */
  #underline(tile) {
    const known = this.#under.get(tile.id);
    if (!this.#sheet.single || tile.data.status !== "done") return known?.element.remove();
    const strip = known ?? new RatingStrip(this.#host.judging, this.#signal, true);
    this.#under.set(tile.id, strip);
    if (strip.element.parentElement !== tile.element) tile.element.append(strip.element);
    strip.show(tile.id);
  }

  /** @param {number[] | null} changed ids, null for all */
  changed(changed) {
    for (const tile of this.#sheet.views) if (changed === null || changed.includes(tile.id)) this.dress(tile);
    this.draw();
  }

  /** Draw what is not in tiles. */
  draw() {
    const { store } = this.#host;
    this.finder.draw();
    this.#strip.draw();
    this.#present();
    const said = [...store.tiles.values()].map((tile) => tile.said);
    const judged = said.filter((each) => each && (each.stars !== null || each.pick !== null)).length;
    write(this.#counts, `${judged} of ${store.tiles.size} rated`);
    this.tick();
  }

  /** Draw what changes by itself: whether words still wait to be kept. */
  tick() {
    const { judging } = this.#host;
    const waiting = judging.waiting(performance.now());
    const words = waiting ? `${waiting} ${waiting === 1 ? "rating waits" : "ratings wait"} for the kernel` : "";
    write(this.#message, judging.message || words);
  }

  /** Put a rating beside each clip that is open. */
  present() {
    this.#present();
  }

  /** @param {number} id @param {"tags" | "note"} what is written beside the clip, which is opened for that */
  write(id, what) {
    if (!this.#stage.element.open) this.#open(id);
    this.#verdict.write(what);
  }

  /**
   * Select a clip, or no longer.
   *
   * @param {number} id
   * @param {boolean} range whether all from the last one are meant
   */
  select(id, range) {
    const { selected } = this.#host.state.now;
    const order = [...this.#sheet.places.keys()];
    const [from, to] = [order.indexOf(this.#last), order.indexOf(id)].sort((a, b) => a - b);
    if (range && from >= 0) {
      this.#host.state.set({ selected: [...new Set([...selected, ...order.slice(from, to + 1)])] });
      return;
    }
    this.#last = id;
    this.#host.state.set({ selected: selected.includes(id) ? selected.filter((each) => each !== id) : [...selected, id] });
  }

  /** @param {MouseEvent} event @returns {boolean} whether it was about the selection */
  clicked(event) {
    const id = idOf(event.target);
    if (id < 0 || !(event.ctrlKey || event.metaKey || event.shiftKey)) return false;
    getSelection()?.removeAllRanges();
    this.select(id, event.shiftKey);
    return true;
  }

  #selected() {
    for (const tile of this.#sheet.views) this.dress(tile);
  }

  /** @param {(id: number) => void} act not on a clip out of sight, which is shown first; the focus goes on where it then is no longer shown */
  #judge(act) {
    const id = this.here;
    const open = this.#stage.element.open;
    if (!open && !this.#sheet.sees(id)) {
      this.#rover.go(id);
      return this.#sheet.element.scrollIntoView({ block: "nearest" });
    }
    const inWall = !open && this.#sheet.view(id)?.element.contains(document.activeElement);
    act(id);
    if (inWall && !this.#sheet.places.has(id)) this.#rover.go(this.#rover.current);
  }

  #present() {
    const { ids, front } = this.#stage;
    this.#verdict.element.hidden = ids.length !== 1;
    if (ids.length === 1) this.#verdict.show(front);
    for (const [id, strip] of this.#strips) {
      if (ids.length > 1 && ids.includes(id)) continue;
      strip.element.remove();
      this.#strips.delete(id);
    }
    if (ids.length < 2) return;
    for (const id of ids) {
      const strip = this.#strips.get(id) ?? new RatingStrip(this.#host.judging, this.#signal, true);
      this.#strips.set(id, strip);
      if (!strip.element.isConnected) this.#stage.pane(id)?.append(strip.element);
      strip.show(id);
    }
  }
}
