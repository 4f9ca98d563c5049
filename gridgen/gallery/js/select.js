import { orderOf } from "./status_texts.js";

/**
 * @typedef {import("./store.js").Tile} Tile
 * @typedef {import("./layout.js").Axis} Axis
 * @typedef {string | number | null} Value
 * @typedef {object} Column one fact of every clip, to filter and sort by
 * @property {string} says what a person calls it
 * @property {(tile: Tile) => Value} of null where it is not known
 * @property {(tile: Tile) => Value} rank what sorts it
 * @typedef {{column: string, sign: string, values: string[]}} Clause such as `status=failed|lost`; no value means unknown
 */

const SIGNS_OF_CLAUSE = ["!=", "<=", ">=", "=", "<", ">", "~"];

/** Facts that every clip may have: field, what a person calls it. */
const FACTS = /** @type {const} */ ([
  ["cost", "cost"],
  ["price", "price"],
  ["service", "service time"],
  ["progress", "progress"],
  ["seconds", "clip length"],
  ["fps", "frame rate"],
  ["bytes", "file size"],
  ["error_class", "kind of error"],
]);

/** @type {[string, string, (tile: Tile) => Value][]} What the person, and all reviewers together, say of a clip. */
const WORDS = [
  ["stars", "stars", ({ said }) => said?.stars ?? null],
  ["pick", "pick", ({ said }) => (typeof said?.pick === "boolean" ? (said.pick ? "picked" : "rejected") : null)],
  ["tags", "tags", ({ said }) => said?.tags.join(", ") || null],
  ["note", "note", ({ said }) => said?.note || null],
  ["rating", "stars of all", ({ rating }) => rating ?? null],
  ["verdict", "pick of all", ({ pick }) => (typeof pick === "boolean" ? (pick ? "picked" : "rejected") : null)],
];

/**
 * Name all that clips can be filtered and sorted by: axes, state, what is measured, what is said, and their numbers.
 *
 * @param {Axis[]} axes
 * @returns {Map<string, Column>}
 */
export function columnsOf(axes) {
  /** @type {Map<string, Column>} */
  const found = new Map();
  axes.forEach(({ name, labels }, at) => {
    if (labels.length > 1) found.set(name, { says: name, of: (tile) => labels[tile.at[at]], rank: (tile) => tile.at[at] });
  });
  found.set("status", { says: "state", of: ({ status }) => status, rank: ({ status }) => orderOf(status) });
  for (const [name, says] of FACTS) {
    const of = (/** @type {Tile} */ tile) => plain(tile[name]);
    if (!found.has(name)) found.set(name, { says, of, rank: of });
  }
  for (const [name, says, of] of WORDS) if (!found.has(name)) found.set(name, { says, of, rank: of });
  found.set("clip", { says: "clip", of: ({ id }) => id, rank: ({ id }) => id });
  return found;
}

/** @param {string | number | null | undefined} value @returns {Value} a number where it is one, as money is decimal text */
function plain(value) {
  if (value === null || value === undefined || value === "") return null;
  return typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}

/**
 * @param {string} text clauses joined by semicolons, such as `status=done;cost<=0.1`; all must hold
 * @returns {Clause[]} those that can be read
 */
export function readFilter(text) {
  return text.split(";").flatMap((part) => {
    const sign = SIGNS_OF_CLAUSE.find((each) => part.includes(each));
    if (!sign) return [];
    const [column, ...rest] = part.split(sign);
    const values = rest.join(sign).split("|").filter(Boolean);
    return [{ column: unescapeWord(column), sign, values: values.map(unescapeWord) }];
  });
}

/** @param {Clause[]} clauses @returns {string} */
export function writeFilter(clauses) {
  return clauses.map(({ column, sign, values }) => encodeURIComponent(column) + sign + values.map(encodeURIComponent).join("|")).join(";");
}

/**
 * Make one of clauses that offer, or rule out, values of the same column.
 *
 * @param {Clause[]} clauses
 * @returns {Clause[]} each once
 */
export function joinClauses(clauses) {
  /** @type {Map<string, Clause>} */
  const joined = new Map();
  for (const clause of clauses) {
    const { column, sign, values } = clause;
    const lists = (sign === "=" || sign === "!=") && values.length > 0;
    const key = lists ? `${column} ${sign}` : writeFilter([clause]);
    joined.set(key, { column, sign, values: [...new Set([...(joined.get(key)?.values ?? []), ...values])] });
  }
  return [...joined.values()];
}

/** @param {string} word */
function unescapeWord(word) {
  try {
    return decodeURIComponent(word.trim());
  } catch {
    return word.trim();
  }
}

/**
 * Choose and order tiles. Those whose value is unknown sort last either way; grid order settles ties.
 *
 * @param {Iterable<Tile>} tiles in grid order
 * @param {Map<string, Column>} columns
 * @param {string} filter as `readFilter` takes; a clause of an unknown column is passed over
 * @param {string} sort name of a column, with a minus before it to begin with the largest
 * @returns {Tile[]}
 */
export function select(tiles, columns, filter, sort) {
  const clauses = readFilter(filter).filter(({ column }) => columns.has(column));
  const kept = [...tiles].filter((tile) => clauses.every((clause) => holds(clause, columns.get(clause.column)?.of(tile) ?? null)));
  const by = columns.get(sort.replace(/^-/, ""));
  if (!by) return kept;
  const turn = sort.startsWith("-") ? -1 : 1;
  return kept.sort((a, b) => compareValues(by.rank(a), by.rank(b), turn));
}

/** @param {Clause} clause @param {Value} value */
function holds({ sign, values }, value) {
  if (!values.length) return (value === null) === (sign !== "!=");
  if (sign === "=") return values.some((wanted) => same(value, wanted));
  if (sign === "!=") return !values.some((wanted) => same(value, wanted));
  if (sign === "~") return values.some((wanted) => String(value ?? "").toLowerCase().includes(wanted.toLowerCase()));
  if (value === null) return false;
  const order = compareValues(value, plain(values[0]), 1);
  return sign === "<" ? order < 0 : sign === ">" ? order > 0 : sign === "<=" ? order <= 0 : order >= 0;
}

/** @param {Value} value @param {string} wanted */
function same(value, wanted) {
  return value !== null && (String(value) === wanted || (typeof value === "number" && value === Number(wanted)));
}

/** @param {Value} a @param {Value} b @param {number} turn */
function compareValues(a, b, turn) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return turn * (a - b);
  return turn * String(a).localeCompare(String(b), "en", { numeric: true });
}
