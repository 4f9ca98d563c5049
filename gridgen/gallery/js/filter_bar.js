import { icon, make, mark, option, write } from "./dom.js";
import { columnsOf, joinClauses, readFilter, select, writeFilter } from "./select.js";
import { CROSS_OUT } from "./rating_strip.js";
import { speak } from "./status_texts.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./select.js").Clause} Clause
 * @typedef {import("./select.js").Column} Column
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{text: string, clause: string, quiet?: boolean, unlike?: string}} Quick one press for a clause; a quiet one is not offered
 *   while it would show nothing, or the same as the one that it is `unlike`
 */

const FUNNEL = "M2.5 3.5 H13.5 L9.4 8.6 V13 L6.6 11.4 V8.6 Z";
/** Values of a column up to which they are offered one by one. */
const MOST_VALUES = 200;

/** @type {Quick[]} */
const QUICK = [
  { text: "Picked", clause: "pick=picked" },
  { text: "Unrated", clause: "stars=;pick=" },
  { text: "Not rejected", clause: "pick!=rejected", quiet: true },
  { text: "Rejected", clause: "pick=rejected", quiet: true },
  { text: "Picked by all", clause: "verdict=picked", quiet: true, unlike: "pick=picked" },
  { text: "Not done", clause: "status!=done", quiet: true },
  { text: "Failed", clause: "status=failed|rejected|expired|missing|lost|unknown", quiet: true },
];

/** @type {[string, string][]} What a clause may say, each in words. */
const CONDITIONS = [
  ["=", "is"],
  ["!=", "is not"],
  ["~", "contains"],
  [">=", "at least"],
  ["<=", "at most"],
];

/** Which clips are shown: quick choices with counts, and clauses over any column. */
export class FilterBar {
  #host;
  #quick = make("span", { class: "gg-quick", role: "group", "aria-label": "Show" });
  #clauses = make("span", { class: "gg-clauses" });
  #open = make("button", { class: "gg-button", type: "button", "aria-expanded": "false", title: "Filter by any column", "aria-label": "Filter by any column" }, icon(FUNNEL));
  #column = /** @type {HTMLSelectElement} */ (make("select", { class: "gg-choice", "aria-label": "Column" }));
  #sign = /** @type {HTMLSelectElement} */ (make("select", { class: "gg-choice", "aria-label": "Condition" }, ...CONDITIONS.map(([sign, says]) => option(sign, says))));
  #value = make("span");
  #add = make("button", { class: "gg-button", type: "button", text: "Add" });
  #builder = make("div", { class: "gg-builder", role: "group", "aria-label": "Filter by any column" }, this.#column, this.#sign, this.#value, this.#add);
  element = make("div", { class: "gg-finder" }, this.#open, this.#quick, this.#clauses, this.#builder);

  /**
   * @param {Host} host
   * @param {AbortSignal} signal
   */
  constructor(host, signal) {
    this.#host = host;
    this.#builder.hidden = true;
    const options = { signal };
    this.#open.addEventListener("click", () => this.#toggle(), options);
    this.#quick.addEventListener("click", ({ target }) => this.#pressed(target), options);
    this.#clauses.addEventListener("click", ({ target }) => this.#dropped(target), options);
    this.#column.addEventListener("change", () => this.#offer(), options);
    this.#sign.addEventListener("change", () => this.#offer(), options);
    this.#add.addEventListener("click", () => this.#added(), options);
    this.#value.addEventListener("keydown", ({ key }) => key === "Enter" && this.#added(), options);
    host.state.subscribe((changed) => changed.has("filter") && this.draw(), signal);
  }

  /** @param {number} id hidden until the filter is lifted */
  hide(id) {
    this.#set([...this.#now, { column: "clip", sign: "!=", values: [String(id)] }]);
  }

  /** Show only the clips that are selected. */
  keepSelected() {
    const { selected } = this.#host.state.now;
    this.#set([...this.#now.filter(({ column }) => column !== "clip"), { column: "clip", sign: "=", values: selected.map(String) }]);
  }

  /** Draw it as things now stand. */
  draw() {
    const { store, state } = this.#host;
    const columns = columnsOf(store.axes);
    const tiles = [...store.tiles.values()];
    const found = (/** @type {string} */ filter) => select(tiles, columns, filter, "").map(({ id }) => id);
    const now = new Set(this.#now.map((clause) => writeFilter([clause])));
    const choices = [{ text: "All", clause: "" }, ...QUICK].map((quick) => ({ ...quick, count: found(quick.clause).length, on: isOn(quick.clause, now) }));
    const telling = (/** @type {Quick} */ { clause, unlike }) => unlike === undefined || String(found(clause)) !== String(found(unlike));
    const shown = choices.filter((quick) => !quick.quiet || quick.on || (quick.count < tiles.length && quick.count > 0 && telling(quick)));
    const had = this.#quick.contains(document.activeElement) ? document.activeElement?.getAttribute("data-clause") : null;
    this.#quick.replaceChildren(...shown.map(quickChip));
    if (had !== null) /** @type {HTMLElement | null} */ ([...this.#quick.children].find((each) => each.getAttribute("data-clause") === had))?.focus();
    const covered = new Set(QUICK.filter(({ clause }) => isOn(clause, now)).flatMap(({ clause }) => clause.split(";")));
    const own = this.#now.filter((clause) => !covered.has(writeFilter([clause])));
    this.#clauses.replaceChildren(...own.map((clause) => this.#clause(clause, columns)));
    mark(this.#open, "aria-pressed", String(state.now.filter !== ""));
  }

  get #now() {
    return readFilter(this.#host.state.now.filter);
  }

  /** @param {Clause[]} clauses */
  #set(clauses) {
    this.#host.state.set({ filter: writeFilter(joinClauses(clauses)) });
  }

  #toggle() {
    this.#builder.hidden = !this.#builder.hidden;
    mark(this.#open, "aria-expanded", String(!this.#builder.hidden));
    if (this.#builder.hidden) return;
    const columns = [...columnsOf(this.#host.store.axes)].filter(([name, column]) => this.#known(name, column).length > 0);
    this.#column.replaceChildren(...columns.map(([name, { says }]) => option(name, says.replace("_urls", "s"))));
    this.#offer();
    this.#column.focus();
  }

  /** @param {string} name @param {Column} column @returns {string[]} the values that it has, in their order */
  #known(name, { of, rank }) {
    const found = new Map([...this.#host.store.tiles.values()].flatMap((tile) => (of(tile) === null ? [] : [[String(of(tile)), rank(tile)]])));
    const order = (/** @type {any} */ a, /** @type {any} */ b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    return name === "clip" ? [] : [...found].sort(([, a], [, b]) => order(a, b)).map(([value]) => value);
  }

  /** Offer the values that the column has, or a field to write one. */
  #offer() {
    const name = this.#column.value;
    const column = columnsOf(this.#host.store.axes).get(name);
    if (!column) return;
    const known = this.#known(name, column);
    const exact = this.#sign.value === "=" || this.#sign.value === "!=";
    const field =
      exact && known.length <= MOST_VALUES
        ? make("select", { class: "gg-choice", "aria-label": "Value" }, ...known.map((value) => option(value, speak(name, value))), option("", "unknown"))
        : make("input", { class: "gg-text", type: "text", "aria-label": "Value", value: exact ? "" : (known[0] ?? ""), size: 12 });
    this.#value.replaceChildren(field);
  }

  #added() {
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (this.#value.firstElementChild);
    const values = field.value === "" ? [] : [field.value];
    this.#set([...this.#now, { column: this.#column.value, sign: this.#sign.value, values }]);
  }

  /** @param {EventTarget | null} target */
  #pressed(target) {
    const clause = target instanceof Element ? target.closest("[data-clause]")?.getAttribute("data-clause") : null;
    if (clause === null || clause === undefined) return;
    if (clause === "") return this.#set([]);
    const now = new Set(this.#now.map((each) => writeFilter([each])));
    const parts = clause.split(";");
    const on = isOn(clause, now);
    const rest = this.#now.filter((each) => !parts.includes(writeFilter([each])) && (on || !rules(each, clause)));
    this.#set(on ? rest : [...rest, ...readFilter(clause)]);
  }

  /** @param {EventTarget | null} target */
  #dropped(target) {
    const text = target instanceof Element ? target.closest("[data-drop]")?.getAttribute("data-drop") : null;
    if (text) this.#set(this.#now.filter((clause) => writeFilter([clause]) !== text));
  }

  /** @param {Clause} clause @param {Map<string, Column>} columns */
  #clause(clause, columns) {
    const { column, sign, values } = clause;
    const says = columns.get(column)?.says ?? column;
    const words = CONDITIONS.find(([each]) => each === sign)?.[1] ?? sign;
    const told = values.length ? values.map((value) => speak(column, value)).join(" or ") : "unknown";
    const text = column === "clip" ? `${values.length} ${sign === "!=" ? "hidden" : "of the selection"}` : `${says} ${words} ${told}`;
    return make("button", { class: "gg-clause", type: "button", "data-drop": writeFilter([clause]), title: `Take away: ${text}` }, make("span", { dir: "auto", text }), icon(CROSS_OUT));
  }
}

/** @param {string} clause @param {Set<string>} now @returns {boolean} whether all of its parts hold now */
function isOn(clause, now) {
  return clause === "" ? now.size === 0 : clause.split(";").every((part) => now.has(writeFilter(readFilter(part))));
}

/** @param {Clause} other @param {string} clause @returns {boolean} whether both are about the same, so that one takes the place of the other */
function rules({ column }, clause) {
  return ["pick", "stars", "status"].includes(column) && readFilter(clause).some((part) => part.column === column);
}

/** @param {{text: string, clause: string, count: number, on: boolean}} quick */
function quickChip({ text, clause, count, on }) {
  const button = make("button", { class: "gg-quickly", type: "button", "data-clause": clause, "aria-pressed": String(on) }, make("span", { text }), make("span", { class: "gg-count", text: count }));
  write(/** @type {Element} */ (button.lastElementChild), String(count));
  return button;
}
