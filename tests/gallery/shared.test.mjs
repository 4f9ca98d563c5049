import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const load = (name) => import(new URL(`../../gridgen/gallery/js/${name}.js`, import.meta.url));
const told = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url)));

const judging = await load("judging");
const { itemsOf, roundsOf, standings } = await load("leaderboard");
const { arrange, boxKey, runs } = await load("layout");
const { LocalRatings } = await load("local_ratings");
const { positionIn, shownBy } = await load("menus");
const { readMoments } = await load("moments");
const { fit, gain, OUTCOMES } = await load("ranking");
const { columnsOf } = await load("select");
const { ViewState } = await load("state");
const { money, speak } = await load("status_texts");
const { Store } = await load("store");

const shared = told("shared.json");
const AXES = [
  { name: "prompt", labels: ["boat", "fox"] },
  { name: "duration", labels: ["6", "10"] },
];
const loaded = () => {
  const store = new Store();
  const tiles = [0, 1, 2, 3].map((id) => ({ id, at: [id >> 1, id & 1], status: "done", clip: String(id).padEnd(24, "0") }));
  store.load({ seq: 0, now: 0, name: "boats", folder: null, cost: "", axes: AXES, tiles }, 0);
  return store;
};

test("a value is said as Python says it", () => {
  for (const [axis, , label, said] of shared.spoken) assert.equal(speak(axis, label), said);
});

test("an amount is written as Python writes it", () => {
  for (const [usd, said] of shared.dollars) assert.equal(money(usd), said, usd);
});

test("an opinion has the bounds that Python checks, and a round its outcomes", () => {
  for (const [name, value] of Object.entries(shared.limits)) assert.equal(judging[name], value, name);
  assert.deepEqual([...OUTCOMES], shared.outcomes);
});

test("a note is taken apart as Python does it", () => {
  for (const [note, parts] of shared.notes) {
    const { whole, moments } = readMoments(note);
    assert.deepEqual([...(whole ? [[null, whole]] : []), ...moments.map(({ at, text }) => [at, text])], parts, note);
  }
});

test("whatever Python's menus offer is something that the view has", () => {
  const columns = columnsOf(AXES);
  for (const sort of shared.menus.sort.filter(Boolean)) assert.ok(columns.has(sort.replace(/^-/, "")), sort);
  for (const [name, values] of Object.entries(shared.menus))
    for (const value of values) {
      const options = values.map((each) => [String(each), each]);
      const view = new ViewState();
      view.set({ [name]: value });
      const again = new ViewState();
      again.load(view.text);
      assert.deepEqual(shownBy(name, again.now), value);
      assert.equal(positionIn({ name, says: "", options }, again.now), values.indexOf(value));
    }
});

test("tiles stand in the rows, columns and boxes that Python's tables have", () => {
  const { axes, codes, rows, cols, row_keys, col_keys, boxes, ...rest } = shared.table;
  const named = Object.entries(axes).map(([name, labels]) => ({ name, labels }));
  const plan = arrange(named, codes.map((at, id) => ({ id, at })), rows, cols);
  assert.deepEqual([plan.rowKeys, plan.colKeys], [row_keys, col_keys]);
  assert.deepEqual(Object.fromEntries(plan.boxes), Object.fromEntries(boxes.map(([row, col, ids]) => [boxKey(row, col), ids])));
  assert.deepEqual(cols.map((_, level) => runs(plan.colKeys, level).map(({ value, start, count }) => [value, start, count])), rest.runs);
});

test("the next round tells as much as Python reckons", () => {
  const { axes, rounds, gains } = told("../judging/strengths.json");
  const found = fit(axes.map((_, at) => [at]), rounds, axes.length);
  for (const [one, other, nats] of gains) assert.ok(Math.abs(gain(found, one, other) - nats) < 1e-6, `${one} ${other}`);
});

test("standings are those of Python, of an axis and of cells", () => {
  const store = loaded();
  const items = itemsOf(store, [...store.tiles.keys()]);
  const rounds = roundsOf(items, shared.rounds.choices.filter(([, , outcome]) => OUTCOMES[outcome] !== "skip"));
  for (const [by, table] of [["duration", shared.rounds.duration], ["", shared.rounds.cells]]) {
    const found = standings(store, items, rounds, by).map(({ wins, losses, ties, strength, low, high }) => [wins, losses, ties, strength, low, high]);
    found.forEach((row, at) => row.forEach((each, column) => assert.ok(Math.abs(each - table[at][column]) < 1e-5, JSON.stringify(found))));
    assert.equal(found.length, table.length);
  }
});

test("the file that a page sends back is one that Python reads", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  const book = new LocalRatings({ id: "f".repeat(24), sweep: "Paper boats!" }, loaded(), { getItem: (key) => (key === "gridgen/browser" ? "e".repeat(24) : null), setItem() {} });
  book.sign(`${"Anna ".repeat(11)}1234\u{1f600}\u{1f600}`);
  const tags = judging.readTags(`calm, ${"\u{1f600}".repeat(41)}, be\u0007ll, \ud83d`);
  book.answer({ kind: "judge", id: 0, said: { stars: 4, pick: true, tags, note: judging.readNote(" one\u0000\ntwo\ud83d\t ") } });
  book.answer({ kind: "judge", id: 3, said: { pick: false } });
  book.answer({ kind: "choose", left: 0, right: 2, outcome: "tie" });
  assert.deepEqual(JSON.parse(book.file), told("page_ratings.json"));
});
