import { make } from "./dom.js";
import { fit } from "./ranking.js";
import { nameOf } from "./tile.js";
import { speak } from "./status_texts.js";

/**
 * @typedef {import("./ranking.js").Rounds} Rounds
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{id: number, takes: number[]}} Item a cell by the first of its clips that take part, and all of those
 * @typedef {{id: number | null, name: string, wins: number, losses: number, ties: number, strength: number, low: number, high: number}} Standing
 */

/** Standard errors to either side within which the truth lies at a rate of 95 %. */
const REACH = 1.959964;

/**
 * Gather the clips that take part into cells: takes of one cell are one.
 *
 * @param {Store} store
 * @param {number[]} ids in order
 * @returns {Item[]}
 */
export function itemsOf({ axes, tiles }, ids) {
  /** @type {Map<string, Item>} */
  const items = new Map();
  for (const id of ids) {
    const key = axes.map(({ name }, at) => (name === "take" ? 0 : /** @type {Tile} */ (tiles.get(id)).at[at])).join();
    const known = items.get(key);
    if (known) known.takes.push(id);
    else items.set(key, { id, takes: [id] });
  }
  return [...items.values()];
}

/**
 * Put rounds of clips as rounds of items; those of one cell, or of clips that take no part, say nothing.
 *
 * @param {Item[]} items
 * @param {number[][]} choices left clip, right clip, outcome
 * @returns {Rounds}
 */
export function roundsOf(items, choices) {
  const item = new Map(items.flatMap(({ takes }, at) => takes.map((id) => /** @type {[number, number]} */ ([id, at]))));
  return choices.flatMap(([left, right, outcome]) => {
    const [one, other] = [item.get(left), item.get(right)];
    return one === undefined || other === undefined || one === other ? [] : [/** @type {[number, number, number]} */ ([one, other, outcome])];
  });
}

/**
 * Say who is how strong: the cells, or the values of an axis with the effects of the others taken out.
 *
 * @param {Store} store
 * @param {Item[]} items
 * @param {Rounds} rounds
 * @param {string} by name of an axis, empty for the cells
 * @returns {Standing[]} the strongest first
 */
export function standings(store, items, rounds, by) {
  const tileOf = (/** @type {number} */ at) => /** @type {Tile} */ (store.tiles.get(items[at].id));
  const varying = varyingOf(store, items);
  const codes = by ? /** @type {{codes: number[]}} */ (varying.find(({ name }) => name === by)).codes : items.map((_, at) => at);
  const others = by ? varying.filter(({ name, codes: other }) => name !== by && !tied(codes, other)) : [];
  const ranked = Math.max(...codes) + 1;
  let columns = ranked;
  const design = codes.map((code) => [code]);
  for (const { codes: other } of others) {
    other.forEach((code, at) => design[at].push(columns + code));
    columns += Math.max(...other) + 1;
  }
  const found = fit(design, rounds, columns, ranked);
  const axis = store.axes.findIndex(({ name }) => name === by);
  const names = Array.from({ length: ranked }, (_, code) => {
    const at = codes.indexOf(code);
    return by ? speak(by, store.axes[axis].labels[tileOf(at).at[axis]]) : nameOf(store, tileOf(at));
  });
  const table = names.map((name, code) => {
    const reach = REACH * found.error[code];
    return { id: by ? null : items[code].id, name, ...tally(codes, rounds, code), strength: found.strength[code], low: found.strength[code] - reach, high: found.strength[code] + reach };
  });
  return table.sort((a, b) => b.strength - a.strength);
}

/**
 * @param {Store} store
 * @param {Item[]} items
 * @returns {{name: string, codes: number[]}[]} the axes on which items differ, and the value of each, numbered without gaps
 */
export function varyingOf({ axes, tiles }, items) {
  return axes.flatMap(({ name }, axis) => {
    const values = items.map(({ id }) => /** @type {Tile} */ (tiles.get(id)).at[axis]);
    const used = [...new Set(values)].sort((a, b) => a - b);
    return used.length > 1 && name !== "take" ? [{ name, codes: values.map((value) => used.indexOf(value)) }] : [];
  });
}

/** @param {number[]} one @param {number[]} other @returns {boolean} whether a value of one settles that of the other */
function tied(one, other) {
  const pairs = new Set(one.map((code, at) => `${code} ${other[at]}`)).size;
  return pairs === new Set(one).size || pairs === new Set(other).size;
}

/** @param {number[]} codes @param {Rounds} rounds @param {number} code */
function tally(codes, rounds, code) {
  const [wins, losses, ties] = [0, 1, 2].map((came) =>
    rounds.reduce((sum, [left, right, outcome]) => {
      if (codes[left] === codes[right]) return sum;
      if (outcome === 2) return sum + Number(came === 2 && (codes[left] === code || codes[right] === code));
      const [winner, loser] = outcome === 0 ? [left, right] : [right, left];
      return sum + Number((came === 0 && codes[winner] === code) || (came === 1 && codes[loser] === code));
    }, 0),
  );
  return { wins, losses, ties };
}

/**
 * Draw standings: a dot for the strength, a line for the interval that holds the truth at 95 %.
 *
 * @param {Standing[]} table
 * @param {(id: number) => Node} pictureOf draws a clip
 * @returns {HTMLElement}
 */
export function chartOf(table, pictureOf) {
  const least = Math.min(...table.map(({ low }) => low));
  const most = Math.max(...table.map(({ high }) => high));
  const share = (/** @type {number} */ value) => (value - least) / (most - least || 1);
  const rows = table.map(({ id, name, wins, losses, ties, strength, low, high }, at) => {
    const bar = make("span", { class: "gg-interval", title: `strength ${strength.toFixed(2)}, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)} (log-odds above the average)` });
    for (const [part, value] of /** @type {[string, number][]} */ ([["low", low], ["high", high], ["at", strength]])) bar.style.setProperty(`--gg-${part}`, String(share(value)));
    const beats = `${Math.round(100 / (1 + Math.exp(-strength)))} %`;
    return make("tr", {}, make("th", { scope: "row", text: at + 1 }), make("td", { dir: "auto", title: name }, ...(id === null ? [] : [pictureOf(id)]), name), make("td", {}, bar), make("td", { text: beats }), make("td", { text: `${wins}–${losses}${ties ? `–${ties}` : ""}` }));
  });
  const head = ["", "", "strength, with its 95 % interval", "beats average", "won–lost–tied"].map((text) => make("th", { scope: "col", text }));
  return make("table", { class: "gg-standings" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}
