import { make } from "./dom.js";
import { tell } from "./labels.js";
import { lasting, meaningOf, money, size, speak, toneOf } from "./status_texts.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {{name: string, value: string}} Fact
 */

/** Axes that every clip has and that say nothing where they do not vary. */
const SILENT = new Set(["take", "image_urls"]);

/**
 * @param {Store} store
 * @param {Tile} tile
 * @returns {Fact[]} what was asked of a clip
 */
export function asked({ axes }, tile) {
  const told = axes.map(({ name, labels }, at) => ({ name, labels, value: labels[tile.at[at]] }));
  return told
    .filter(({ name, labels, value }) => labels.length > 1 || (!SILENT.has(name) && value !== ""))
    .map(({ name, value }) => ({ name: name.replace("_urls", "s"), value: speak(name, value) }));
}

/**
 * @param {Store} store
 * @param {Tile} tile
 * @returns {Fact[]} what came of a clip
 */
export function measured({ speed }, tile) {
  const { width, height, seconds, fps, bytes, cost, price, service, path, preview, task } = tile;
  const facts = [
    ["picture", width && height ? `${width} × ${height}` : ""],
    ["length", seconds ? `${Number(seconds.toFixed(2))} s` : ""],
    ["frame rate", fps ? `${Number(fps.toFixed(2))} fps` : ""],
    ["file size", bytes ? size(bytes) : ""],
    ["cost", money(cost) || (price ? `${money(price)} expected` : "")],
    ["service time", service ? lasting(service, speed) : ""],
    ["task", task ?? ""],
    ["file", path ?? ""],
    ["shown", path && path === preview ? "its preview; the original is not in this page" : ""],
  ];
  return facts.filter(([, value]) => value).map(([name, value]) => ({ name, value }));
}

/**
 * Describe one clip.
 *
 * @param {Store} store
 * @param {Tile} tile
 * @returns {HTMLElement[]}
 */
export function describe(store, tile) {
  const prompt = store.label(tile, "prompt");
  const rest = asked(store, tile).filter(({ name }) => name !== "prompt");
  return [make("h3", { dir: "auto", text: prompt }), verdict(tile), listed(rest), listed(measured(store, tile))];
}

/**
 * Describe several clips side by side; what differs is marked, in texts word by word.
 *
 * @param {Store} store
 * @param {Tile[]} tiles
 * @param {string[]} names of the columns
 * @returns {HTMLElement}
 */
export function compare(store, tiles, names) {
  const columns = tiles.map((tile) => new Map([...asked(store, tile), { name: "state", value: tile.status }, ...measured(store, tile)].map(({ name, value }) => [name, value])));
  const rows = [...new Set(columns.flatMap((column) => [...column.keys()]))].map((name) => {
    const values = columns.map((column) => column.get(name) ?? "");
    const differs = new Set(values).size > 1;
    const cells = differs ? marked(values) : values.map((value) => make("td", { dir: "auto", text: value }));
    return make("tr", { "data-differs": differs, "data-name": name }, make("th", { scope: "row", text: name }), ...cells);
  });
  const head = make("tr", {}, make("td"), ...names.map((name) => make("th", { scope: "col", text: name })));
  return make("table", { class: "gg-table" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

/** @param {string[]} values @returns {HTMLElement[]} */
function marked(values) {
  return tell(values).map(({ parts }) => {
    const pieces = parts.flatMap(({ text, same }, at) => [at ? " " : "", same ? text : make("mark", { text })]);
    return make("td", { dir: "auto" }, ...pieces.filter((piece) => piece !== ""));
  });
}

/** @param {Tile} tile */
function verdict({ status, error }) {
  const why = error ?? meaningOf(status);
  const said = make("p", { class: "gg-verdict", dir: "auto", "data-tone": toneOf(status) }, make("strong", { text: status }));
  if (why) said.append(` ${why}`);
  return said;
}

/** @param {Fact[]} facts */
function listed(facts) {
  const items = facts.flatMap(({ name, value }) => [
    make("dt", { text: name }),
    make("dd", { dir: "auto", text: value, title: value, class: name === "file" ? "gg-file" : undefined }),
  ]);
  return make("dl", {}, ...items);
}
