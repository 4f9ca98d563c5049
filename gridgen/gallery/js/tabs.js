import { icon, make, option } from "./dom.js";
import { speak } from "./status_texts.js";

/**
 * @typedef {import("./plan.js").Tab} Tab
 * @typedef {import("./state.js").ViewState} ViewState
 * @typedef {import("./store.js").Store} Store
 */

const CYCLE = "M2.5 6 H11 M8.8 3.6 11.2 6 8.8 8.4 M13.5 10.5 H5 M7.2 8.1 4.8 10.5 7.2 12.9";
/** Values of an axis beyond which it is a menu rather than a strip. */
const MOST = 12;

/** The axes that are neither rows nor columns: a strip of tabs for each, with counts. */
export class Tabs {
  #store;
  #state;
  #key = "";
  /** @type {Tab[]} */
  #tabs = [];
  element = make("div", { class: "gg-tabs" });

  /**
   * @param {Store} store
   * @param {ViewState} state
   * @param {AbortSignal} signal
   */
  constructor(store, state, signal) {
    this.#store = store;
    this.#state = state;
    this.element.addEventListener("click", ({ target }) => this.#clicked(target), { signal });
    this.element.addEventListener("change", ({ target }) => this.#picked(target), { signal });
    this.element.addEventListener("keydown", (event) => this.#pressed(event), { signal });
  }

  /** @param {import("./keys.js").Keys} keys */
  bind(keys) {
    const when = () => this.#tabs.length > 0;
    keys.add("Moving", { keys: ["PageUp", "PageDown"], scope: "wall", does: "tab before, tab after", when, act: ({ key }) => this.turn(this.#tabs[0], key === "PageUp" ? -1 : 1) });
  }

  /** @param {Tab[]} tabs */
  draw(tabs) {
    this.#tabs = tabs;
    const key = JSON.stringify([tabs, this.#state.now.cycle]);
    if (key === this.#key) return;
    this.#key = key;
    const had = this.element.contains(document.activeElement) ? document.activeElement?.getAttribute("data-key") : null;
    this.element.replaceChildren(...tabs.map((tab) => this.#strip(tab)));
    this.element.hidden = tabs.length === 0;
    if (had) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-key="${had}"]`))?.focus();
  }

  /** Show the next value of the axis that takes turns. */
  cycle() {
    const tab = this.#tabs.find(({ axis }) => this.#store.axes[axis].name === this.#state.now.cycle);
    if (tab) this.turn(tab, 1, true);
  }

  /**
   * @param {Tab} tab
   * @param {number} by places
   * @param {boolean} [values] whether only single values take part
   */
  turn({ axis, counts, chosen }, by, values = false) {
    const offered = counts.flatMap((count, at) => (count ? [at] : []));
    if (!values) offered.unshift(-1);
    const at = offered.indexOf(chosen);
    this.#choose(axis, offered[(at + by + offered.length) % offered.length] ?? -1);
  }

  /** @param {Tab} tab @returns {HTMLElement} */
  #strip({ axis, chosen, counts }) {
    const { name, labels } = this.#store.axes[axis];
    const all = counts.reduce((sum, count) => sum + count, 0);
    const entries = [{ at: -1, text: "all", count: all }, ...labels.map((label, at) => ({ at, text: speak(name, label), count: counts[at] }))];
    const turning = this.#state.now.cycle === name;
    const cycle = make("button", { class: "gg-button", type: "button", "data-cycle": axis, "data-key": `${axis}-cycle`, "aria-pressed": String(turning), "aria-label": `Let the values of ${name} take turns`, title: `Let the values of ${name} take turns` }, icon(CYCLE));
    const many = labels.length > MOST;
    const strip = many ? this.#menu(axis, name, entries, chosen) : this.#row(axis, name, entries, chosen);
    return make("div", { class: "gg-tabline" }, make("span", { class: "gg-tabname", text: name }), strip, cycle);
  }

  /** @param {number} axis @param {string} name @param {{at: number, text: string, count: number}[]} entries @param {number} chosen */
  #row(axis, name, entries, chosen) {
    const tabs = entries.map(({ at, text, count }) => {
      const selected = at === chosen;
      const props = { class: "gg-tab", type: "button", role: "tab", "aria-selected": String(selected), tabindex: selected ? "0" : "-1", "data-axis": axis, "data-at": at, "data-key": `${axis}-${at}`, title: text };
      return make("button", props, make("span", { class: "gg-tabtext", dir: "auto", text }), make("span", { class: "gg-count", text: count }));
    });
    return make("div", { class: "gg-strip", role: "tablist", "aria-label": name }, ...tabs);
  }

  /** @param {number} axis @param {string} name @param {{at: number, text: string, count: number}[]} entries @param {number} chosen */
  #menu(axis, name, entries, chosen) {
    const options = entries.map(({ at, text, count }) => option(String(at), `${text} (${count})`));
    const menu = /** @type {HTMLSelectElement} */ (make("select", { class: "gg-choice", "aria-label": name, "data-axis": axis, "data-key": `${axis}-menu` }, ...options));
    menu.value = String(chosen);
    return menu;
  }

  /** @param {number} axis @param {number} at -1 for all */
  #choose(axis, at) {
    const { name, labels } = this.#store.axes[axis];
    const { [name]: _, ...others } = this.#state.now.tabs;
    this.#state.set({ tabs: at < 0 ? others : { ...others, [name]: labels[at] } });
  }

  /** @param {EventTarget | null} target */
  #clicked(target) {
    const hit = target instanceof Element ? target.closest("button") : null;
    if (!hit) return;
    const cycle = hit.getAttribute("data-cycle");
    if (cycle === null) return this.#choose(Number(hit.getAttribute("data-axis")), Number(hit.getAttribute("data-at")));
    const { name } = this.#store.axes[Number(cycle)];
    const turning = this.#state.now.cycle === name;
    this.#state.set({ cycle: turning ? "" : name });
    if (!turning) this.cycle();
  }

  /** @param {EventTarget | null} target */
  #picked(target) {
    if (target instanceof HTMLSelectElement) this.#choose(Number(target.getAttribute("data-axis")), Number(target.value));
  }

  /** @param {KeyboardEvent} event moves along a strip, as tabs do */
  #pressed(event) {
    const { key, target } = event;
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (!step || !(target instanceof Element) || target.getAttribute("role") !== "tab") return;
    const tabs = /** @type {HTMLElement[]} */ ([...(target.parentElement?.children ?? [])]);
    const next = tabs[(tabs.indexOf(/** @type {HTMLElement} */ (target)) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
  }
}
