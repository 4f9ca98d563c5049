import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = new URL("../../gridgen/gallery/js/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, source));

const { Store } = await load("store");
const { Judging, readTags, spell } = await load("judging");
const { LocalRatings } = await load("local_ratings");
const { diceOf, fit, gain, nextPair } = await load("ranking");
const { cholesky, inverse, zeros } = await load("matrix");
const { itemsOf, roundsOf, standings, varyingOf } = await load("leaderboard");
const { columnsOf, joinClauses, readFilter, select, writeFilter } = await load("select");
const { othersOf } = await load("rating_editor");
const { addMoment, momentsOf, readMoments, spellMoment } = await load("moments");

const axes = [
  { name: "prompt", labels: ["boat", "fox"] },
  { name: "duration", labels: ["6", "10"] },
  { name: "take", labels: ["1", "2"] },
];
const snapshot = (more = {}) => ({
  seq: 0,
  now: 0,
  name: "boats",
  folder: null,
  cost: "",
  axes,
  tiles: [0, 1].flatMap((p) => [0, 1].flatMap((d) => [0, 1].map((t) => ({ id: 4 * p + 2 * d + t, at: [p, d, t], status: "done", clip: `${p}${d}${t}`.padEnd(24, "0") })))),
  ...more,
});
const loaded = (more) => {
  const store = new Store();
  store.load(snapshot(more), 0);
  return store;
};
/** A kernel that answers when it is told to. */
const kernel = () => {
  const asked = [];
  const ask = (question) => new Promise((resolve, reject) => asked.push({ question, resolve: (content) => resolve({ content, buffers: [] }), reject }));
  return { asked, ask };
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a word is on screen at once and stays when it is kept", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  judging.star(3, 4);
  assert.equal(judging.of(3).stars, 4);
  assert.deepEqual(asked[0].question, { kind: "judge", id: 3, said: { stars: 4 } });
  asked[0].resolve({ id: 3, said: { stars: 4, pick: null, tags: [], note: "" } });
  await settle();
  assert.equal(judging.of(3).stars, 4);
  assert.equal(judging.message, "");
});

test("a word that cannot be kept is taken back, with the reason", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  judging.pick(0, true);
  asked[0].reject(new Error("the folder cannot be written"));
  await settle();
  assert.equal(judging.of(0).pick, null);
  assert.equal(judging.message, "Not noted: the folder cannot be written");
});

test("of quick words the last stays, whatever Python says of the earlier ones meanwhile", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  judging.star(1, 3);
  judging.star(1, 5);
  const three = { stars: 3, pick: null, tags: [], note: "" };
  asked[0].resolve({ id: 1, said: three });
  await settle();
  store.apply({ seq: 1, now: 0, cost: "", tiles: [{ id: 1, said: three }] }, 0);
  assert.equal(judging.of(1).stars, 5);
  asked[1].resolve({ id: 1, said: { ...three, stars: 5 } });
  await settle();
  assert.equal(judging.of(1).stars, 5);
});

test("a change that was on its way before a word was kept does not take it back; a later one counts", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  const three = { stars: 3, pick: null, tags: [], note: "" };
  judging.star(1, 5);
  asked[0].resolve({ id: 1, said: { ...three, stars: 5 }, seq: 1 });
  await settle();
  store.apply({ seq: 1, now: 0, cost: "", tiles: [{ id: 1, rating: 4, said: three }, { id: 2, said: three }] }, 0);
  assert.equal(judging.of(1).stars, 5);
  assert.equal(store.tiles.get(1).rating, 4);
  assert.equal(judging.of(2).stars, 3);
  store.apply({ seq: 3, now: 0, cost: "", tiles: [] }, 0);
  judging.star(2, 1);
  asked[1].resolve({ id: 2, said: { ...three, stars: 1 }, seq: 3 });
  await settle();
  store.load(snapshot({ seq: 3, tiles: [1, 2].map((id) => ({ id, at: [0, 0, id], status: "done", said: three })) }), 0);
  assert.deepEqual([judging.of(1).stars, judging.of(2).stars], [3, 1]);
  store.apply({ seq: 4, now: 0, cost: "", tiles: [{ id: 2, said: three }] }, 0);
  assert.equal(judging.of(2).stars, 3);
});

test("of quick words the refused ones fall back to the last that was kept", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  judging.star(1, 3);
  judging.star(1, 5);
  asked[0].resolve({ id: 1, said: { stars: 3, pick: null, tags: [], note: "" } });
  await settle();
  asked[1].reject(new Error("no"));
  await settle();
  assert.equal(judging.of(1).stars, 3);
});

test("the same stars, or the same mood, once more take them back; nothing new asks nobody", () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  judging.star(1, 3);
  judging.star(1, 3);
  judging.pick(1, false);
  judging.pick(1, false);
  judging.say(1, { note: "" });
  assert.deepEqual(asked.map(({ question }) => question.said), [{ stars: 3 }, { stars: null }, { pick: false }, { pick: null }]);
});

test("a word that waits long is counted, one that was just said is not", () => {
  const judging = new Judging(loaded(), kernel().ask);
  judging.star(1, 3);
  judging.star(2, 3);
  assert.equal(judging.waiting(performance.now()), 0);
  assert.equal(judging.waiting(performance.now() + 5000), 2);
});

test("undo shows what was restored, and says when there is nothing", async () => {
  const [store, { asked, ask }] = [loaded(), kernel()];
  const judging = new Judging(store, ask);
  const first = judging.undo();
  asked[0].resolve({ id: 2, said: { stars: 1, pick: null, tags: [], note: "" } });
  assert.equal(await first, 2);
  assert.equal(judging.of(2).stars, 1);
  const second = judging.undo();
  asked[1].resolve({});
  assert.equal(await second, -1);
  assert.equal(judging.message, "There is nothing to undo.");
});

test("tags are read as typed: trimmed, once each, none too long, not too many", () => {
  assert.deepEqual(readTags(" sharp, calm ,sharp,, "), ["sharp", "calm"]);
  assert.equal(readTags("x".repeat(60))[0].length, 40);
  assert.equal(readTags(Array.from({ length: 30 }, (_, at) => `t${at}`).join()).length, 20);
});

test("an opinion is told in words, and what the others say only where it is more", () => {
  assert.equal(spell({ stars: 1, pick: true, tags: ["a", "b"], note: "x" }), "1 star, picked, tagged a, b, noted");
  assert.equal(spell({ stars: null, pick: null, tags: [], note: "" }), "");
  const said = { stars: 4, pick: true, tags: ["a"], note: "n" };
  assert.equal(othersOf({ rating: 4, pick: true, tags: "a", note: "n", said }), "");
  assert.equal(othersOf({ rating: 3.5, pick: false, tags: "a, b", note: null, said }), "All reviewers: 3.5 stars on average · rejected by most · tagged a, b");
});

test("clips are chosen by what is said of them", () => {
  const said = (stars, pick, tags = []) => ({ stars, pick, tags, note: "" });
  const tiles = [{ id: 0, said: said(4, true, ["sharp"]) }, { id: 1, said: said(null, false) }, { id: 2, said: null, pick: true, rating: 2.5 }, { id: 3 }].map((tile) => ({ at: [0, 0, 0], status: "done", ...tile }));
  const kept = (filter, sort = "") => select(tiles, columnsOf(axes), filter, sort).map(({ id }) => id);
  assert.deepEqual(kept("pick=picked"), [0]);
  assert.deepEqual(kept("pick!=rejected"), [0, 2, 3]);
  assert.deepEqual(kept("stars=;pick="), [2, 3]);
  assert.deepEqual(kept("stars>=3"), [0]);
  assert.deepEqual(kept("tags~sha"), [0]);
  assert.deepEqual(kept("verdict=picked"), [2]);
  assert.deepEqual(kept("rating<3"), [2]);
  assert.deepEqual(kept("clip!=1|3"), [0, 2]);
  assert.deepEqual(kept("", "-stars"), [0, 1, 2, 3]);
});

test("clauses on the same column are joined, others stand beside each other", () => {
  const joined = (text) => writeFilter(joinClauses(readFilter(text)));
  assert.equal(joined("clip!=1;clip!=2;clip!=1"), "clip!=1|2");
  assert.equal(joined("stars=;pick="), "stars=;pick=");
  assert.equal(joined("cost>1;cost<2;cost>1"), "cost>1;cost<2");
  assert.equal(joined("pick=picked;pick=rejected"), "pick=picked|rejected");
});

test("an inverse is one, and centring takes the means off", () => {
  const matrix = [Float64Array.from([4, 1, 0]), Float64Array.from([1, 3, 1]), Float64Array.from([0, 1, 2])];
  const back = inverse(cholesky(matrix));
  const product = zeros(3).map((row, i) => row.map((_, j) => matrix[i].reduce((sum, each, k) => sum + each * back[k][j], 0)));
  product.forEach((row, i) => row.forEach((each, j) => assert.ok(Math.abs(each - Number(i === j)) < 1e-12)));
});

const near = (found, expected) => expected.forEach((each, at) => assert.ok(Math.abs(found[at] - each) < 1e-6, `${found} ${expected}`));

test("strengths are those that Python finds, of cells and of an axis with the other taken out", () => {
  const told = JSON.parse(readFileSync(new URL("../judging/strengths.json", import.meta.url)));
  const cells = fit(told.axes.map((_, at) => [at]), told.rounds, 6);
  const axis = fit(told.axes.map(([one, other]) => [one, 3 + other]), told.rounds, 5, 3);
  for (const [found, expected] of [[cells, told.cells], [axis, told.first_axis]]) {
    near(found.strength, expected.strength);
    near(found.error, expected.error);
    near([found.tie, found.lean], [expected.tie, expected.lean]);
  }
});

test("the next pair is the one that tells most, never an item with itself, and sides change", () => {
  const found = fit([[0], [1], [2]], [[0, 1, 0], [0, 1, 0], [1, 0, 1], [0, 1, 2]], 3);
  const dice = diceOf(7);
  const pairs = Array.from({ length: 200 }, () => nextPair(found, dice));
  assert.ok(pairs.every((pair) => pair.includes(2) && pair[0] !== pair[1]));
  const left = pairs.filter(([one]) => one === 2).length;
  assert.ok(left > 60 && left < 140, String(left));
  assert.ok(gain(found, 0, 2) > gain(found, 0, 1));
});

test("the dice are the same for the same seed, and fair", () => {
  const [one, other] = [diceOf(5), diceOf(5)];
  assert.deepEqual(Array.from({ length: 5 }, one), Array.from({ length: 5 }, other));
  const rolls = Array.from({ length: 4000 }, diceOf(1));
  assert.ok(Math.abs(rolls.reduce((sum, each) => sum + each, 0) / 4000 - 0.5) < 0.03);
});

test("takes of a cell are one item, and rounds within it say nothing", () => {
  const store = loaded();
  const items = itemsOf(store, [...store.tiles.keys()]);
  assert.deepEqual(items.map(({ takes }) => takes), [[0, 1], [2, 3], [4, 5], [6, 7]]);
  assert.deepEqual(roundsOf(items, [[0, 1, 0], [1, 2, 0], [6, 3, 2], [0, 99, 1]]), [[0, 1, 0], [3, 1, 2]]);
  assert.deepEqual(varyingOf(store, items).map(({ name }) => name), ["prompt", "duration"]);
});

test("standings name the winner, cells and values, with what they won", () => {
  const store = loaded();
  const items = itemsOf(store, [...store.tiles.keys()]);
  const rounds = roundsOf(items, Array.from({ length: 20 }, (_, at) => [[2, 0, 0], [6, 4, 0], [0, 2, 1], [2, 6, 2]][at % 4]));
  const [best, worst] = standings(store, items, rounds, "duration");
  assert.deepEqual([best.name, best.wins, best.losses, best.ties], ["10 s", 15, 0, 0]);
  assert.deepEqual([worst.name, worst.wins, worst.losses], ["6 s", 0, 15]);
  assert.ok(best.low > 0 && worst.high < 0);
  const cells = standings(store, items, rounds, "");
  assert.equal(cells.length, 4);
  assert.ok(cells.slice(0, 2).every(({ name }) => name.includes("10 s")));
});

/** A place that keeps text as a browser's storage does. */
const shelf = (held = new Map()) => ({ held, getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value) });
const page = { id: "f".repeat(24), sweep: "Paper boats!" };

test("a page's ratings are in the file, the latest of each clip, later than what was said before", () => {
  const book = new LocalRatings(page, loaded(), shelf());
  book.sign(" Anna\n");
  book.answer({ kind: "judge", id: 0, said: { stars: 3 } });
  book.answer({ kind: "judge", id: 0, said: { pick: true } });
  book.answer({ kind: "choose", left: 0, right: 2, outcome: "tie" });
  const told = JSON.parse(book.file);
  assert.deepEqual(Object.keys(told), ["gridgen_ratings", "page", "browser", "sweep", "reviewer", "judgements", "choices"]);
  assert.equal(told.reviewer, "Anna");
  assert.equal(told.judgements.length, 1);
  const { clip, at, ...said } = told.judgements[0];
  assert.deepEqual(said, { stars: 3, pick: true, tags: [], note: "" });
  assert.equal(clip, "000".padEnd(24, "0"));
  assert.equal(told.choices[0].outcome, "tie");
  assert.equal(book.name, "ratings_paper-boats_anna.json");
});

test("undo on a page goes back word by word, and the file says so", () => {
  const book = new LocalRatings(page, loaded(), shelf());
  book.answer({ kind: "judge", id: 0, said: { stars: 3 } });
  book.answer({ kind: "judge", id: 0, said: { stars: 5 } });
  assert.equal(book.answer({ kind: "undo" }).content.said.stars, 3);
  assert.equal(book.answer({ kind: "undo" }).content.said.stars, null);
  assert.deepEqual(book.answer({ kind: "undo" }).content, {});
  assert.equal(JSON.parse(book.file).judgements[0].stars, null);
  book.answer({ kind: "choose", left: 0, right: 2, outcome: "left" });
  assert.equal(book.answer({ kind: "unchoose" }).content.undone, true);
  assert.equal(book.answer({ kind: "unchoose" }).content.undone, false);
});

test("what was said on an earlier visit is there again, for this page only", () => {
  const kept = shelf();
  const first = new LocalRatings(page, loaded(), kept);
  first.sign("Ben");
  first.answer({ kind: "judge", id: 3, said: { stars: 2, tags: ["calm"] } });
  first.answer({ kind: "choose", left: 3, right: 5, outcome: "right" });
  const store = loaded();
  const second = new LocalRatings(page, store, kept);
  assert.equal(second.reviewer, "Ben");
  assert.deepEqual(store.tiles.get(3).said.tags, ["calm"]);
  assert.deepEqual(store.choices, [[3, 5, 1]]);
  const other = loaded();
  assert.equal(new LocalRatings({ ...page, id: "0".repeat(24) }, other, kept).reviewer, "");
  assert.equal(other.tiles.get(3).said, undefined);
});

test("a browser that keeps nothing, or something strange, still takes ratings and says so", () => {
  const full = { getItem: () => null, setItem: () => { throw new Error("quota"); } };
  for (const place of [null, full]) {
    const book = new LocalRatings(page, loaded(), place);
    book.answer({ kind: "judge", id: 0, said: { stars: 3 } });
    assert.equal(book.lasting, false);
    assert.equal(JSON.parse(book.file).judgements[0].stars, 3);
  }
  for (const held of ["{", "[]", '{"words": 3}', '{"latest": [["x", {"said": {"stars": "<b>"}}]]}', '{"picks": [{"outcome": "<b>"}]}']) {
    const store = loaded();
    const book = new LocalRatings(page, store, shelf(new Map([[`gridgen/${page.id}`, held]])));
    assert.equal(book.size, 0);
    book.answer({ kind: "judge", id: 0, said: { stars: 3 } });
    assert.equal(book.size, 1);
  }
});

test("a browser has one name at random on all pages, and two have two, which their nameless reviewers bear", () => {
  const kept = shelf();
  const [first, second, other] = [kept, kept, shelf()].map((place, at) => JSON.parse(new LocalRatings({ ...page, id: String(at).repeat(24) }, loaded(), place).file));
  assert.match(first.browser, /^[0-9a-f]{24}$/);
  assert.equal(second.browser, first.browser);
  assert.notEqual(other.browser, first.browser);
  assert.equal(first.reviewer, `reviewer ${first.browser.slice(0, 4)}`);
  const spoilt = shelf(new Map([["gridgen/browser", "<b>"]]));
  assert.match(JSON.parse(new LocalRatings(page, loaded(), spoilt).file).browser, /^[0-9a-f]{24}$/);
  const visit = new LocalRatings(page, loaded(), null);
  assert.equal(JSON.parse(visit.file).browser, JSON.parse(visit.text).browser);
});

test("a page refuses what it cannot answer", () => {
  const book = new LocalRatings(page, loaded(), shelf());
  assert.throws(() => book.answer({ kind: "media" }), /a page without a kernel cannot answer media/);
  assert.throws(() => book.answer({ kind: "judge", id: 99, said: { stars: 1 } }), /does not know the clip/);
});

test("a moment is spelled to a hundredth, and read back within it", () => {
  assert.deepEqual([0, 2.4, 2.396, 2.4375, 59.996, 72.25, 3600].map(spellMoment), ["0:00.0", "0:02.4", "0:02.4", "0:02.44", "1:00.0", "1:12.25", "60:00.0"]);
  for (let at = 0; at < 200; at += 0.0417) assert.ok(Math.abs(readMoments(`${spellMoment(at)} x`).moments[0].at - at) <= 0.0051);
});

test("a further note is put among the moments in their order, and no word of the others changes", () => {
  const note = "the best light\n0:02.417 a flicker\n0:09.0 late";
  assert.equal(addMoment("", { at: 1, text: "x" }), "0:01.0 x");
  assert.equal(addMoment(note, { at: 4.5, text: "a hand" }), "the best light\n0:02.417 a flicker\n0:04.5 a hand\n0:09.0 late");
  assert.equal(addMoment(addMoment("a\nb", { at: 2, text: "2" }), { at: 1, text: "1" }), "a\nb\n0:01.0 1\n0:02.0 2");
});

test("the moments of a clip are the person's own and those of all reviewers, each once", () => {
  const said = { stars: null, pick: null, tags: [], note: "0:01.0 mine" };
  const note = "anna: calm\n0:03.0 hers: too\nbén: 0:01.0 mine\ncarl: 0:02.5 his";
  assert.deepEqual(momentsOf({ said, note }).map(({ at, text }) => [at, text]), [[1, "mine"], [2.5, "his"], [3, "hers: too"]]);
  assert.deepEqual(momentsOf({ said: null, note: null }), []);
});
