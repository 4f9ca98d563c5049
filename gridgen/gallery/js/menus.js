import { make, option } from "./dom.js";
import { moveAxis } from "./plan.js";

/**
 * @typedef {import("./environment.js").Host} Host
 * @typedef {import("./state.js").Look} Look
 * @typedef {{name: string, says: string, options: [string, any][]}} Menu a choice of values of the view, each with its words
 */

/**
 * Say what a menu now shows.
 *
 * @param {string} name of the menu
 * @param {Look} look
 * @returns {any} a value such as its options have
 */
export function shownBy(name, look) {
  if (name === "rows" || name === "cols") return look[name].slice(-1);
  if (name === "outer_rows") return look.rows.slice(0, -1);
  if (name === "outer_cols") return look.cols.slice(0, -1);
  return /** @type {any} */ (look)[name];
}

/**
 * Say what choosing from a menu changes.
 *
 * @param {string} name of the menu
 * @param {any} value
 * @param {Look} look
 * @returns {Partial<Look>}
 */
export function chosenBy(name, value, look) {
  const [, outer, side] = /^(outer_)?(rows|cols)$/.exec(name) ?? [];
  return side ? moveAxis(look, /** @type {"rows" | "cols"} */ (side), outer ? "outer" : "inner", value) : { [name]: value };
}

/**
 * @param {Menu} menu
 * @param {Look} look
 * @returns {number} position of what is shown among its options, -1 where it offers no such thing
 */
export function positionIn({ name, options }, look) {
  const now = JSON.stringify(shownBy(name, look));
  return options.findIndex(([, value]) => JSON.stringify(value) === now);
}

/** The menus of a wall that has none around it. */
export class Menus {
  element = make("div", { class: "gg-menus", role: "group", "aria-label": "View" });

  /**
   * @param {Host} host
   * @param {AbortSignal} signal
   */
  constructor(host, signal) {
    const { state, menus } = host;
    const drawn = menus.map((menu) => {
      const select = /** @type {HTMLSelectElement} */ (
        make("select", { class: "gg-choice", name: menu.name }, ...menu.options.map(([text], at) => option(String(at), text)))
      );
      select.addEventListener("change", () => state.set(chosenBy(menu.name, menu.options[Number(select.value)][1], state.now)), { signal });
      this.element.append(make("label", { class: "gg-menu" }, make("span", { text: menu.says }), select));
      return { menu, select };
    });
    const show = () => {
      for (const { menu, select } of drawn) select.selectedIndex = positionIn(menu, state.now);
    };
    state.subscribe(show, signal);
    show();
  }
}
