import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const source = new URL("../../gridgen/gallery/js/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, source));

const { arrange, boxKey, neighbour, onward, ratioOf, runs, tileSize } = await load("layout");
const { correction, drift, frameStep, goalOf, lengthOf, positionOf, StepClock, Ticker } = await load("clock");
const { evenOf, fillingTile, geometryOf, inView, pictureSizes } = await load("geometry");
const { tell } = await load("labels");
const { moveAxis, planOf } = await load("plan");
const { timeOf } = await load("header");
const { LoadQueue } = await load("queue");
const { announce, countStates, elapsed, isFinal, lasting, learnStates, meaningOf, money, orderOf, size, speak, toneOf, waited } = await load("status_texts");
const { BlobCache } = await load("blobs");
const { candidates, fileUrl, KernelFiles, ServedFiles } = await load("sources");
const { ViewState } = await load("state");
const { Playback } = await load("playback");
const { Keys } = await load("keys");
const { columnsOf, readFilter, select, writeFilter } = await load("select");
const { Store } = await load("store");
const { Rpc } = await load("rpc");

const axes = [
  { name: "prompt", labels: ["boat", "fox"] },
  { name: "size", labels: ["16:9", "9:16"] },
  { name: "duration", labels: ["6", "10"] },
];
const said = [["planned", "idle", true], ["running", "busy", true], ["done", "good", true], ["failed", "bad", false]];
const states = Object.fromEntries(
  said.map(([status, tone, plain], at) => [status, { tone, says: plain ? "No news." : "No video.", plain, settled: at > 1, at }]),
);
learnStates(states);
const product = axes[0].labels.flatMap((_, p) =>
  axes[1].labels.flatMap((__, s) => axes[2].labels.map((___, d) => [p, s, d])),
);
const tiles = product.map((at, id) => ({ id, at, status: "planned" }));

test("every tile has one box, whatever goes to rows and columns", () => {
  const sides = [[], ["prompt"], ["size", "duration"], ["duration", "prompt", "size"]];
  for (const rows of sides)
    for (const cols of sides) {
      const { boxes, rowKeys, colKeys } = arrange(axes, tiles, rows, cols);
      assert.deepEqual([...boxes.values()].flat().sort((a, b) => a - b), tiles.map(({ id }) => id));
      for (const key of boxes.keys())
        assert.ok(rowKeys.some((row) => colKeys.some((col) => boxKey(row, col) === key)), key);
    }
});

test("nested headers keep axis order and join equal neighbours", () => {
  const { colKeys, rest } = arrange(axes, tiles, ["prompt"], ["duration", "size"]);
  assert.deepEqual(colKeys, [[0, 0], [0, 1], [1, 0], [1, 1]]);
  assert.deepEqual(runs(colKeys, 0), [{ start: 0, count: 2, value: 0 }, { start: 2, count: 2, value: 1 }]);
  assert.deepEqual(runs(colKeys, 1).map(({ count }) => count), [1, 1, 1, 1]);
  assert.deepEqual(rest, []);
});

test("an axis named twice goes to the rows, and one that is named nowhere is the rest", () => {
  const { rows, cols, rest } = arrange(axes, tiles, ["size"], ["size", "prompt"]);
  assert.deepEqual([rows, cols, rest], [[1], [0], [2]]);
});

test("axes sort by their own order, also beyond nine values", () => {
  const many = { name: "prompt", labels: Array.from({ length: 12 }, (_, at) => `p${at}`) };
  const placed = many.labels.map((_, at) => ({ id: at, at: [11 - at] }));
  assert.deepEqual(arrange([many], placed, ["prompt"], []).rowKeys.map(([at]) => at), many.labels.map((_, at) => at));
});

test("all shapes get the same area", () => {
  for (const ratio of [16 / 9, 1, 9 / 16, 2 / 3]) {
    const { width, height } = tileSize(ratio, 240);
    assert.ok(Math.abs(width * height - 240 * 135) < 240, `${ratio}: ${width} x ${height}`);
  }
});

test("a clip's shape is what was measured, else what was asked, else 16:9", () => {
  assert.equal(ratioOf({ width: 100, height: 200 }, "16:9"), 0.5);
  assert.equal(ratioOf({}, "9:16"), 9 / 16);
  for (const odd of ["", "auto", "1:0", "0:1", "999:1"]) assert.equal(ratioOf({}, odd), 16 / 9, odd);
});

test("arrows find the neighbour in line and stop at the edge", () => {
  const at = (x, y) => ({ left: x, top: y, right: x + 10, bottom: y + 10 });
  const rects = [at(0, 0), at(20, 0), at(0, 20), at(20, 20)];
  const go = (from) => ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => neighbour(rects, from, key));
  assert.deepEqual(go(0), [0, 1, 0, 2]);
  assert.deepEqual(go(3), [2, 3, 1, 3]);
});

test("case U3: at the end of a row an arrow leads on to the next one, whatever the shapes, and stops at the very end", () => {
  const at = (left, top, wide, tall) => ({ left, top, right: left + wide, bottom: top + tall });
  const rects = [at(0, 0, 160, 90), at(168, 0, 90, 160), at(0, 168, 160, 90), at(168, 168, 90, 160)];
  const walk = (from, arrow) => [1, 2, 3, 4].reduce(([first, ...rest]) => [onward(rects, first, arrow), first, ...rest], [from]).reverse();
  assert.deepEqual(walk(0, "ArrowRight"), [0, 1, 2, 3, 3]);
  assert.deepEqual(walk(3, "ArrowLeft"), [3, 2, 1, 0, 0]);
  assert.deepEqual(walk(0, "ArrowDown"), [0, 2, 1, 3, 3]);
  assert.deepEqual(walk(3, "ArrowUp"), [3, 1, 2, 0, 0]);
});

test("the clock runs, rests, seeks and loops", () => {
  const clock = new StepClock();
  clock.adjust({ length: 10 }, 0);
  clock.play(1000);
  assert.equal(clock.at(4000), 3);
  clock.pause(4000);
  assert.equal(clock.at(9000), 3);
  clock.seek(9, 9000);
  clock.play(9000);
  assert.ok(Math.abs(clock.at(11_500) - 1.5) < 1e-9);
});

test("without a loop the clock ends, and starts over when played again", () => {
  const clock = new StepClock();
  clock.adjust({ length: 4 }, 0);
  clock.loop = false;
  clock.play(0);
  assert.equal(clock.ended(3900), false);
  assert.equal(clock.ended(4100), true);
  assert.equal(clock.at(9000), 4);
  clock.pause(9000);
  clock.play(9000);
  assert.equal(clock.at(9000), 0);
});

test("a longer clip that arrives does not make the clock jump", () => {
  const clock = new StepClock();
  clock.adjust({ length: 6 }, 0);
  clock.play(0);
  const before = clock.at(8000);
  clock.adjust({ length: 10 }, 8000);
  assert.equal(clock.at(8000), before);
  assert.equal(clock.at(9000), before + 1);
});

test("drift goes the short way round the loop", () => {
  assert.ok(Math.abs(drift(9.98, 0.02, 10) + 0.04) < 1e-9);
  assert.ok(Math.abs(drift(0.02, 9.98, 10) - 0.04) < 1e-9);
  assert.equal(drift(3, 2, 10), 1);
});

test("small drift is left, middling drift is pulled back gently, large drift is jumped", () => {
  assert.deepEqual(correction(0.005), { seek: false, rate: 1 });
  assert.ok(correction(0.1).rate < 1 && correction(0.1).rate >= 0.75);
  assert.ok(correction(-0.3).rate > 1 && correction(-0.3).rate <= 1.25);
  assert.equal(correction(2).seek, true);
});

test("a hurried clock is learned from what is heard", () => {
  const ticker = new Ticker();
  ticker.hear(1000, 500);
  ticker.hear(1060, 1500);
  assert.equal(ticker.rate, 60);
  assert.equal(ticker.time(2000), 1090);
  assert.equal(ticker.time(60_000), 1060 + 120, "and never runs far ahead of the last word");
});

test("the queue starts few at a time, in order, and never too many", () => {
  const started = [];
  const queue = new LoadQueue(2, 3);
  for (const key of [1, 2, 3, 4, 5]) queue.want(key, () => started.push(key));
  assert.deepEqual(started, [1, 2]);
  queue.loaded(1);
  assert.deepEqual(started, [1, 2, 3]);
  queue.loaded(2);
  queue.loaded(3);
  assert.deepEqual(started, [1, 2, 3], "three live are the most");
  queue.drop(1);
  assert.deepEqual(started, [1, 2, 3, 4]);
});

test("what is not wanted any more never starts and frees its slot", () => {
  const started = [];
  const queue = new LoadQueue(1, 9);
  for (const key of [1, 2, 3]) queue.want(key, () => started.push(key));
  queue.drop(2);
  queue.drop(1);
  assert.deepEqual(started, [1, 3]);
  queue.loaded(1);
  assert.deepEqual(queue.counts, { waiting: 0, loading: 1, live: 0 });
});

test("amounts, times and sizes read well", () => {
  assert.deepEqual(["0", "0.1", "0.0612", "12.5", null].map(money), ["$0.00", "$0.10", "$0.061", "$12.50", ""]);
  assert.deepEqual([0, 8.9, 99, 125, 3729].map(elapsed), ["0 s", "8 s", "99 s", "2:05", "1:02:09"]);
  assert.deepEqual([4200, 1_250_000].map(size), ["4 kB", "1.3 MB"]);
  assert.deepEqual([speak("duration", "6"), speak("take", "2"), speak("size", "1:1")], ["6 s", "take 2", "1:1"]);
});

test("states are counted from finished to not begun, unknown words last but not lost", () => {
  const found = ["planned", "failed", "running", "done", "done", "odd"].map((status) => ({ status }));
  assert.deepEqual(countStates(found).map(([status]) => status), ["done", "running", "odd", "failed", "planned"]);
  assert.equal(announce(countStates(found)), "2 of 6 done, 1 failed");
  assert.equal(toneOf("odd"), "warn");
  assert.deepEqual(["planned", "running", "done", "failed", "odd"].map(isFinal), [false, false, true, true, false]);
  assert.deepEqual(["planned", "running", "done", "failed", "odd"].map(meaningOf), ["", "", "", "No video.", ""]);
  assert.deepEqual(["failed", "odd"].map(orderOf), [3, -1]);
});

test("long prompts that are nearly equal show the words in which they differ", () => {
  const shorts = (labels) => tell(labels).map(({ short }) => short);
  const long = (mood, what = "birch") => `a red fox runs through a snowy ${what} forest at ${mood} dawn, slow push in, 35 mm film`;
  assert.deepEqual(shorts([long("grey"), long("golden")]), ["… grey …", "… golden …"]);
  assert.deepEqual(shorts([long("grey"), long("golden", "pine")]), ["… birch forest at grey …", "… pine forest at golden …"]);
  assert.deepEqual(shorts(["a boat", "a fox"]), ["a boat", "a fox"]);
  const same = [`${long("a")} x`, `${long("a")} x y`];
  assert.ok(shorts(same).every((text) => text.length > 0 && text !== "…"));
  assert.equal(new Set(shorts([long("grey"), `${long("grey")} `, long("golden")])).size, 3);
});

test("the whole of a label can be put together from its parts, which say where it differs", () => {
  const labels = ["the boat sails at dawn in fog", "the old boat sails at night in fog", "the boat at noon in thick fog"];
  const told = tell(labels);
  assert.deepEqual(told.map(({ parts }) => parts.map(({ text }) => text).join(" ")), labels);
  assert.deepEqual(told[1].parts.filter(({ same }) => !same).map(({ text }) => text), ["old", "sails", "night"]);
  for (const { parts } of told) assert.equal(parts.filter(({ same }) => same).map(({ text }) => text).join(" "), "the boat at in fog");
});

test("the folder is looked for beside the notebook first, never above the root or in hidden places", () => {
  const find = (path, folder) => candidates(path, "/user/me/", folder).map((parts) => parts.join("/"));
  assert.deepEqual(find("/user/me/lab/tree/a/b%20c/n.ipynb", "boats"), ["a/b c/boats", "a/boats", "boats"]);
  assert.deepEqual(find("/user/me/lab/workspaces/auto-1/tree/n.ipynb", "boats"), ["boats"]);
  assert.deepEqual(find("/user/me/notebooks/x/n.ipynb", "../clips"), ["clips"]);
  assert.deepEqual(find("/user/me/lab/tree/x/n.ipynb", ".hidden/boats"), []);
  assert.deepEqual(find("/somewhere/else", "boats"), ["boats"]);
  assert.deepEqual(find("/user/me/lab", "boats"), [], "JupyterLab names no document yet");
  assert.deepEqual(find("/user/me/lab/workspaces/auto-1/", "boats"), []);
});

test("files are looked for once the page's address names a document, and then once", async () => {
  const asked = [];
  const { fetch, performance } = globalThis;
  let now = 0;
  const page = {
    location: { pathname: "/user/me/lab" },
    document: { getElementById: () => ({ textContent: '{"baseUrl": "/user/me/"}' }), cookie: "" },
    performance: { now: () => (now += 1500) },
    fetch: async (url) => asked.push(url) && { ok: url.includes("/notes/boats/"), headers: new Headers() },
  };
  Object.assign(globalThis, { location: page.location, document: page.document, fetch: page.fetch });
  Object.defineProperty(globalThis, "performance", { value: page.performance, configurable: true });
  const [served, hidden] = ["boats", ".boats"].map((folder) => new ServedFiles({ folder }));
  const tile = { path: "a.mp4", poster: "a.webp", bytes: null };
  assert.equal(await served.url(tile, "path"), null, "JupyterLab names no document yet");
  assert.equal(await hidden.url(tile, "path"), null);
  assert.deepEqual(asked, []);
  page.location.pathname = "/user/me/lab/tree/notes/n.ipynb";
  const found = await Promise.all([served.url(tile, "path"), served.url(tile, "poster")]);
  assert.deepEqual(found, ["/user/me/files/notes/boats/a.mp4", "/user/me/files/notes/boats/a.webp"]);
  assert.equal(await hidden.url(tile, "path"), null);
  page.location.pathname = "/user/me/lab/tree/elsewhere/m.ipynb";
  assert.equal(await served.url(tile, "path"), found[0], "another document in front changes nothing");
  assert.deepEqual(asked, [found[0]]);
  Object.defineProperty(globalThis, "performance", { value: performance, configurable: true });
  Object.assign(globalThis, { fetch, location: undefined, document: undefined });
});

test("of a folder and its copies the one is found that bears the mark, beside the wall's own notebook: case I4", async () => {
  const { fetch } = globalThis;
  const says = { "/files/one/boats/folder-mark.txt": "1".repeat(64), "/files/two/boats/folder-mark.txt": "2".repeat(64) };
  const page = {
    location: { pathname: "/lab/tree/two/n.ipynb" },
    document: { getElementById: () => ({ textContent: '{"baseUrl": "/"}' }), cookie: "" },
    fetch: async (url) => new Response(says[url] ?? "1".repeat(64), { status: url in says ? 200 : 404 }),
  };
  Object.assign(globalThis, page);
  const tile = { path: "a.mp4", bytes: 3 };
  const url = (mark, notebook) => new ServedFiles({ folder: "boats", mark: mark.repeat(64) }, notebook).url(tile, "path");
  assert.equal(await url("2", ""), "/files/two/boats/a.mp4");
  assert.equal(await url("1", ""), null, "the front notebook's folder is a copy");
  assert.equal(await url("1", "RTC:one/n.ipynb"), "/files/one/boats/a.mp4");
  assert.equal(await url("2", "one/n.ipynb"), null);
  Object.assign(globalThis, { fetch, location: undefined, document: undefined });
});

test("a file's address is quoted part by part and bears the token", () => {
  assert.equal(fileUrl("/u/", ["a b", "c#d?e%f"], ""), "/u/files/a%20b/c%23d%3Fe%25f");
  assert.equal(fileUrl("/", ["x"], "a=1; _xsrf=2|ab%3D"), "/files/x?_xsrf=2%7Cab%3D");
});

test("blobs beyond the limit are given back, oldest first, but never one in use", () => {
  const revoked = [];
  const original = URL.revokeObjectURL;
  URL.revokeObjectURL = (url) => revoked.push(url);
  const cache = new BlobCache(25);
  const urls = ["a", "b", "c", "d"].map((key) => {
    cache.put(key, new Blob(["0123456789"]));
    return cache.take(key);
  });
  assert.deepEqual(revoked, [], "all in use");
  cache.free("b");
  cache.free("c");
  cache.put("e", new Blob(["0123456789"]));
  assert.deepEqual(revoked, [urls[1], urls[2]]);
  assert.equal(cache.take("b"), undefined);
  URL.revokeObjectURL = original;
});

test("changes are taken in order, a gap asks for a snapshot, an old message is ignored", () => {
  const store = new Store();
  const heard = [];
  const end = new AbortController();
  store.subscribe((changed) => heard.push(changed), end.signal);
  store.load({ seq: 3, now: 0, name: "x", folder: "x", axes, tiles: structuredClone(tiles), cost: "0" }, 0);
  assert.equal(store.apply({ seq: 4, now: 1, cost: "0.1", tiles: [{ id: 2, status: "done" }] }, 10), true);
  assert.equal(store.tiles.get(2).status, "done");
  assert.deepEqual(store.tiles.get(2).at, tiles[2].at);
  assert.equal(store.apply({ seq: 4, now: 1, cost: "9", tiles: [{ id: 2, status: "lost" }] }, 10), true);
  assert.equal(store.cost, "0.1");
  assert.equal(store.apply({ seq: 7, now: 1, cost: "1", tiles: [{ id: 999, status: "done" }] }, 10), false);
  assert.equal(store.tiles.has(999), false);
  assert.equal(store.apply({ seq: 8, now: 1, cost: "1", tiles: [] }, 10), false, "it stays incomplete");
  store.load({ seq: 8, now: 0, name: "x", folder: "x", axes, tiles: structuredClone(tiles), cost: "2" }, 0);
  assert.equal(store.cost, "2", "the snapshot of the same moment is taken");
  store.load({ seq: 8, now: 0, name: "x", folder: "x", axes, tiles: [], cost: "3" }, 0);
  assert.equal(store.tiles.size, tiles.length, "and only once");
  end.abort();
  store.apply({ seq: 9, now: 1, cost: "1", tiles: [{ id: 1, status: "done" }] }, 10);
  assert.deepEqual(heard, [null, [2], [], [], null]);
});

test("each question gets its own answer, its reason, or is given up", async () => {
  const sent = [];
  const link = new Rpc({ send: (content) => sent.push(content) });
  const gone = new AbortController();
  const [one, two, three] = [link.ask({ kind: "a" }), link.ask({ kind: "b" }), link.ask({ kind: "c" }, gone.signal)];
  assert.equal(link.answer({ request: sent[1].request, error: "no such clip" }, []), true);
  assert.equal(link.answer({ request: sent[0].request, ok: 1 }, [new DataView(new ArrayBuffer(2))]), true);
  assert.equal(link.answer({ kind: "delta" }, []), false);
  gone.abort();
  assert.equal((await one).buffers[0].byteLength, 2);
  await assert.rejects(two, /no such clip/);
  await assert.rejects(three, { name: "AbortError" });
});

test("bytes come once for two views, and one view's change of mind does not fail the other", async () => {
  const open = [];
  const link = { ask: (question, signal) => new Promise((resolve, reject) => {
    open.push({ question, resolve });
    signal.addEventListener("abort", () => reject(new DOMException("no longer wanted", "AbortError")));
  }) };
  const media = new KernelFiles(link);
  const tile = { id: 5, at: [], status: "done", path: "a.mp4", preview: "p.mp4" };
  const [first, second] = [new AbortController(), new AbortController()];
  const gone = media.url(tile, "preview", first.signal);
  const kept = media.url(tile, "preview", second.signal);
  await new Promise(setImmediate);
  assert.equal(open.length, 1);
  first.abort();
  await assert.rejects(gone, { name: "AbortError" });
  await new Promise(setImmediate);
  open[1].resolve({ content: {}, buffers: [new DataView(new ArrayBuffer(3))] });
  assert.match(await kept, /^blob:/);
  assert.deepEqual(open[1].question, { kind: "media", id: 5, what: "preview" });
  media.close();
});

test("the view is a short text that says only what differs, and comes back from it", () => {
  const state = new ViewState({ rows: ["prompt"], cols: ["size"] });
  assert.equal(state.text, "");
  state.set({ rows: ["a,b", "c d"], cols: [], tabs: { take: "2", "x:y": "a=b&c" }, speed: 0.5, mode: "percent", range: [1.2, 3.4], loop: false });
  const other = new ViewState({ rows: ["prompt"], cols: ["size"] });
  other.load(`#${state.text}`);
  assert.deepEqual(other.now, state.now);
  assert.match(state.text, /speed=0.5&mode=percent&loop=no&range=1.2-3.4/);
  other.load("");
  assert.deepEqual([other.now.rows, other.text], [["prompt"], ""]);
});

test("a view text that nobody wrote does no harm", () => {
  for (const text of ["%E0%A4%A", "speed=99&mode=x&tile=-5&range=3-1&fit=&loop", "__proto__=1&tabs=__proto__:1", "&&==;rows=,,", "tile=NaN&speed="]) {
    const state = new ViewState();
    state.load(text);
    const { speed, mode, tile, range, fit, rows } = state.now;
    assert.deepEqual([speed, mode, tile, range, fit, rows], [1, "time", 0, [], "shape", []], text);
  }
  assert.equal({}.polluted, undefined);
});

test("listeners hear what changed, and only then", () => {
  const state = new ViewState();
  const heard = [];
  state.subscribe((changed) => heard.push([...changed]), new AbortController().signal);
  state.set({ rows: [] });
  state.set({ rows: ["x"], muted: true, playing: true });
  assert.deepEqual(heard, [["rows", "playing"]]);
});

test("keys act where they apply, the latest binding first, and are listed once", () => {
  const done = [];
  const keys = new Keys();
  keys.add("Playing", { keys: ["l"], does: "loop", act: () => done.push("loop") });
  keys.add("Playing", { keys: ["l"], does: "", scope: "stage", act: () => done.push("stage") });
  keys.add("Moving", { keys: ["ArrowLeft", " "], does: "move", when: ({ target }) => target === 1, act: () => done.push("move") });
  assert.equal(keys.press({ key: "L", target: 0 }, "wall"), true);
  assert.equal(keys.press({ key: "l", target: 0 }, "stage"), true);
  assert.equal(keys.press({ key: " ", target: 0 }, "wall"), false);
  assert.equal(keys.press({ key: " ", target: 1 }, "wall"), true);
  assert.deepEqual(done, ["loop", "stage", "move"]);
  assert.deepEqual(keys.groups, [["Playing", [["L", "loop"]]], ["Moving", [["← Space", "move"]]]]);
});

test("case V8: a key means the same on every layout: by what it types, else by where it lies", () => {
  const done = [];
  const keys = new Keys();
  for (const key of ["p", "5", "1", "[", "]", "\\", ",", ".", "<", "+", "?"]) keys.add("All", { keys: [key], does: key, act: (pressed) => done.push(pressed.key) });
  const press = (key, code, held = {}) => {
    done.length = 0;
    const { graph = false, ...modifiers } = held;
    keys.press({ key, code, getModifierState: (name) => name === "AltGraph" && graph, ...modifiers }, "wall");
    return done.join();
  };
  for (const [typed, key, code, held] of [
    ["Latin", "P", "KeyP", { shiftKey: true }],
    ["Dvorak", "p", "KeyR"],
    ["Cyrillic", "з", "KeyP"],
    ["Greek", "π", "KeyP"],
    ["Hebrew", "פ", "KeyP"],
  ]) assert.equal(press(key, code, held), "p", typed);
  for (const [typed, key] of [["French", "("], ["Czech", "ř"], ["Arabic", "٥"], ["Persian", "۵"]]) assert.equal(press(key, "Digit5"), "5", typed);
  assert.equal(press("&", "Digit1"), "1");
  assert.equal(press("х", "BracketLeft"), "[");
  assert.equal(press("б", "Comma"), ",");
  assert.equal(press("Б", "Comma", { shiftKey: true }), "<");
  assert.equal(press("[", "Digit8", { graph: true, ctrlKey: true, altKey: true }), "[", "German, Windows");
  assert.equal(press("[", "Digit5", { altKey: true }), "[", "German, Mac");
  assert.equal(press("\\", "Minus", { graph: true }), "\\", "German, Linux");
  for (const [why, key, code, held] of [
    ["it is another Latin letter", "z", "KeyP"],
    ["ü is no bracket", "ü", "BracketLeft"],
    ["! is no digit", "!", "Digit1", { shiftKey: true }],
    ["AltGr types a letter", "þ", "KeyP", { graph: true }],
    ["AltGr types a sign", "€", "Digit5", { graph: true, ctrlKey: true, altKey: true }],
    ["Option types a letter", "π", "KeyP", { altKey: true }],
    ["Alt opens a menu", "p", "KeyP", { altKey: true }],
    ["it is a shortcut", "p", "KeyP", { ctrlKey: true }],
    ["it is a shortcut", "з", "KeyP", { metaKey: true }],
    ["it is being composed", "p", "KeyP", { isComposing: true }],
  ]) assert.equal(press(key, code, held), "", why);
});

test("clips are filtered and sorted by any column, the unknown last", () => {
  const columns = columnsOf(axes);
  const clips = product.map((at, id) => ({ id, at, status: id % 2 ? "failed" : "done", cost: id % 2 ? null : String((id * 7) % 5) }));
  const ids = (filter, sort) => select(clips, columns, filter, sort).map(({ id }) => id);
  assert.deepEqual(ids("", ""), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(ids("status=failed;size=9:16", ""), [3, 7]);
  assert.deepEqual(ids("status=failed|done;prompt~FO", ""), [4, 5, 6, 7]);
  assert.deepEqual(ids("cost>=3", "-cost"), [2, 4]);
  assert.deepEqual(ids("cost=", ""), [1, 3, 5, 7]);
  assert.deepEqual(ids("cost!=", "cost"), [0, 6, 4, 2]);
  assert.deepEqual(ids("", "-cost"), [2, 4, 6, 0, 1, 3, 5, 7]);
  assert.deepEqual(ids("nosuch=1", "nosuch"), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(ids("", "-duration").slice(0, 4), [1, 3, 5, 7]);
});

test("a filter survives being written, whatever its words hold", () => {
  const clauses = [{ column: "a=b;c", sign: "=", values: ["x|y", "50 %", "<b>"] }, { column: "note", sign: "!=", values: [] }];
  assert.deepEqual(readFilter(writeFilter(clauses)), clauses);
  assert.deepEqual(readFilter("%E0=1; ;x"), [{ column: "%E0", sign: "=", values: ["1"] }]);
});

test("modes say where each clip is: same second, same part, or all as long as the shortest", () => {
  assert.deepEqual(goalOf("time", 7, 10, 6), { time: 6, pace: 1, over: true });
  assert.deepEqual(goalOf("time", 3, 10, 6), { time: 3, pace: 1, over: false });
  assert.deepEqual(goalOf("percent", 5, 10, 6), { time: 3, pace: 0.6, over: false });
  assert.deepEqual(["time", "percent", "shortest"].map((mode) => lengthOf(mode, [6, 10])), [10, 10, 6]);
  assert.equal(lengthOf("time", []), 0);
});

test("a shifted clip is ahead by so much, waits at its beginning or end, and the clock is found from its moment", () => {
  assert.deepEqual(goalOf("time", 2, 6, 6, 0.5), { time: 2.5, pace: 1, over: false });
  assert.deepEqual(goalOf("time", 5.5, 6, 6, 0.5), { time: 6, pace: 1, over: true });
  assert.deepEqual(goalOf("time", 0.25, 6.5, 6, -0.5), { time: 0, pace: 0, over: false });
  assert.deepEqual(goalOf("time", 1, 6.5, 6, -0.5), { time: 0.5, pace: 1, over: false });
  assert.deepEqual(goalOf("time", 5.97, 6, 6, 0.04), { time: 6, pace: 1, over: true });
  assert.deepEqual(goalOf("percent", 5, 10, 5, 1), { time: 3.5, pace: 0.5, over: false });
  assert.deepEqual(goalOf("percent", 9, 10, 5, 1), { time: 5, pace: 0.5, over: true });
  for (const [mode, shift] of [["time", 0], ["time", 0.5], ["percent", 0], ["percent", -0.25]])
    for (const position of [1, 2.5, 4]) assert.ok(Math.abs(positionOf(mode, goalOf(mode, position, 10, 5.5, shift).time, 10, 5.5, shift) - position) < 1e-9);
});

test("shifts of compared clips are in the address, and what is none is left out", () => {
  const state = new ViewState();
  state.set({ pins: [4, 7], shift: { 7: 3, 4: -12 } });
  assert.equal(state.text, "pins=4,7&shift=4:-12,7:3");
  const again = new ViewState();
  again.load(`#${state.text}`);
  assert.deepEqual(again.now.shift, { 4: -12, 7: 3 });
  for (const wrong of ["7:0", "7", "7:1.5", "7:99999", "-1:3", "__proto__:3", "7:3x", ""]) {
    again.load(`shift=${wrong}`);
    assert.deepEqual(again.now.shift, {}, wrong);
  }
  again.load("shift=1:1,2:2,3:3,4:4,5:5");
  assert.equal(Object.keys(again.now.shift).length, 4);
});

test("whoever lets a clip play by itself hears of every seek and step, and of nothing else", () => {
  const { signal } = new AbortController();
  const state = new ViewState();
  const deck = new Playback(state, signal);
  let heard = 0;
  deck.onSeek(() => (heard += 1), signal);
  deck.cast([6, 6], 24);
  state.set({ muted: false });
  assert.equal(heard, 0);
  deck.seek(2);
  deck.step(1);
  assert.equal(heard, 2);
  assert.ok(Math.abs(deck.moment(6) - 49.5 / 24) < 1e-9);
  assert.ok(Math.abs(deck.moment(6, 0.5) - 49.5 / 24 - 0.5) < 1e-9);
  assert.equal(deck.positionOf(3, 6, 0.5), 2.5);
});

test("the clock runs slower and faster without a jump, and loops within a range", () => {
  const clock = new StepClock();
  clock.adjust({ length: 10 }, 0);
  clock.play(0);
  clock.adjust({ speed: 0.5 }, 4000);
  assert.equal(clock.at(4000), 4);
  assert.equal(clock.at(6000), 5);
  clock.adjust({ speed: 1, range: [4, 6] }, 6000);
  assert.equal(clock.at(6500), 5.5);
  assert.ok(Math.abs(clock.at(7500) - 4.5) < 1e-9);
  assert.equal(clock.partial, true);
  clock.loop = false;
  assert.equal(clock.ended(9000), true);
  clock.pause(9000);
  clock.play(9000);
  assert.equal(clock.at(9000), 4);
});

test("a frame step lands in the middle of the next frame, both ways", () => {
  const once = frameStep(0, 24, 1);
  assert.ok(Math.abs(once - 1.5 / 24) < 1e-9);
  assert.ok(Math.abs(frameStep(once, 24, 1) - 2.5 / 24) < 1e-9);
  assert.ok(Math.abs(frameStep(once, 24, -1) - 0.5 / 24) < 1e-9);
  assert.equal(frameStep(0, 24, -5), 0);
});

test("tabs count what each would show, and choose among what the filter leaves", () => {
  const clips = product.map((at, id) => ({ id, at, status: id === 7 ? "failed" : "done" }));
  const look = { rows: ["prompt"], cols: [], tabs: {}, filter: "", sort: "" };
  const all = planOf(axes, clips, look);
  assert.deepEqual(all.tabs.map(({ axis, chosen, counts }) => [axis, chosen, counts]), [[1, -1, [4, 4]], [2, -1, [4, 4]]]);
  assert.deepEqual(all.captioned, [1, 2]);
  const one = planOf(axes, clips, { ...look, tabs: { duration: "10" }, filter: "status=done" });
  assert.deepEqual(one.tabs.map(({ chosen, counts }) => [chosen, counts]), [[-1, [2, 1]], [1, [4, 3]]]);
  assert.deepEqual([...one.boxes.values()], [[1, 3], [5]]);
  assert.deepEqual(one.captioned, [1]);
  assert.equal(planOf(axes, clips, { ...look, tabs: { duration: "99" } }).tabs[1].chosen, -1, "an unknown label is all");
});

test("an axis that moves changes places with what is there, and none is ever shown twice", () => {
  const look = { rows: ["prompt"], cols: ["size", "duration"] };
  assert.deepEqual(moveAxis(look, "rows", "inner", ["duration"]), { rows: ["duration"], cols: ["size", "prompt"] });
  assert.deepEqual(moveAxis(look, "rows", "outer", ["size"]), { rows: ["size", "prompt"], cols: ["duration"] });
  assert.deepEqual(moveAxis(look, "cols", "inner", []), { rows: ["prompt"], cols: ["size"] });
  for (const side of ["rows", "cols"])
    for (const level of ["inner", "outer"])
      for (const names of [[], ["prompt"], ["size"], ["duration"], ["take"]]) {
        const moved = moveAxis(look, side, level, names);
        const found = [...moved.rows, ...moved.cols];
        assert.equal(new Set(found).size, found.length);
        assert.ok(names.every((name) => moved[side].includes(name)));
      }
});

test("no two tiles overlap, every one lies in the sheet, and heads cover their columns", () => {
  const ratios = [16 / 9, 9 / 16];
  for (const [rows, cols] of [[[], []], [["prompt"], []], [["prompt"], ["size", "duration"]], [[], ["prompt"]], [["size", "prompt"], ["duration"]], [["prompt"], ["size"]]]) {
    const plan = arrange(axes, tiles, rows, cols);
    const sizes = pictureSizes("shape", tiles.map(({ id, at }) => ({ id, ratio: ratios[at[1]], width: null })), 160);
    const { tiles: placed, width, height, tops } = geometryOf(plan, sizes, { width: 700, caption: 20 });
    const all = [...placed.values()];
    assert.equal(all.length, tiles.length);
    all.forEach((a, i) => {
      assert.ok(a.left >= 0 && a.top >= 0 && a.left + a.width <= width && a.top + a.height <= height);
      for (const b of all.slice(i + 1))
        assert.ok(a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top || b.top + b.height <= a.top);
    });
    for (const id of placed.keys())
      for (const head of tops) {
        const inside = tiles[id].at[head.axis] === head.value;
        const { left, width: wide } = placed.get(id);
        if (!inside && head.level === 0) assert.ok(left + wide <= head.start || left >= head.start + head.length);
      }
  }
});

test("tiles fill the width where they can, and only what is in view is found", () => {
  const plan = arrange(axes, tiles, ["prompt"], ["size"]);
  const sizeAt = (tile) => pictureSizes("shape", tiles.map(({ id }) => ({ id, ratio: 16 / 9, width: null })), tile);
  const fitted = geometryOf(plan, sizeAt(fillingTile(plan, sizeAt, 900)), { width: 900, caption: 0 });
  assert.ok(fitted.width <= 900 && fitted.width > 870, fitted.width);
  const flow = arrange(axes, tiles, [], []);
  const flowed = geometryOf(flow, sizeAt(fillingTile(flow, sizeAt, 900)), { width: 900, caption: 0 });
  assert.ok(flowed.width <= 900 && flowed.width > 870, flowed.width);
  const first = fitted.tiles.get(0);
  assert.deepEqual(inView(fitted, { left: first.left, top: first.top, width: 2, height: 2 }), [0]);
  assert.deepEqual(inView(fitted, { left: -50, top: -50, width: 20, height: 20 }), []);
});

test("case U6: clips of unequal shape leave little blank: one height side by side, one width above each other", () => {
  const ratios = [16 / 9, 9 / 16];
  const ratioOf = (id) => ratios[tiles[id].at[1]];
  const shown = [[["prompt"], ["size"]], [["size"], ["prompt"]], [["prompt"], ["size", "duration"]], [["duration"], []], [["size"], []]].map(([rows, cols]) => {
    const plan = arrange(axes, tiles, rows, cols);
    const even = evenOf(plan, ratioOf);
    const sizeAt = (tile) => pictureSizes("shape", tiles.map(({ id }) => ({ id, ratio: ratioOf(id), width: null })), tile, even);
    const { tiles: placed, width, height } = geometryOf(plan, sizeAt(fillingTile(plan, sizeAt, 1000, even)), { width: 1000, caption: 0 });
    const pictures = [...placed.values()].reduce((sum, each) => sum + each.width * each.height, 0);
    return [even, pictures / (width * height)];
  });
  assert.deepEqual(shown.map(([even]) => even), ["height", "width", "height", "area", "area"]);
  for (const [even, share] of shown.slice(0, 3)) assert.ok(share > 0.8, `${even}: ${share}`);
});

test("to one scale, a clip of twice the pixels is twice as wide; alike, all have one box", () => {
  const clips = [{ id: 0, ratio: 16 / 9, width: 1280 }, { id: 1, ratio: 16 / 9, width: 640 }, { id: 2, ratio: 9 / 16, width: null }];
  const scaled = pictureSizes("scale", clips, 200);
  assert.deepEqual([scaled(0).width, scaled(1).width], [200, 100]);
  const boxed = pictureSizes("box", clips, 160);
  assert.deepEqual([boxed(0), boxed(2)], [{ width: 160, height: 90 }, { width: 160, height: 90 }]);
});

test("the header says how long it took and may take, and nothing once all is over", () => {
  const tile = (status, began) => ({ status, began });
  const four = [tile("done", 100), tile("failed", 110), tile("done", 110), tile("running", 120), tile("planned", null)];
  assert.equal(timeOf(four, 160, 1), "60 s, about 40 s left");
  assert.equal(timeOf([tile("running", 100)], 130, 1), "30 s");
  assert.equal(timeOf([tile("done", 100), tile("failed", 100)], 200, 1), "");
});

test("case U4: clocks of a simulator show the time of the person, or say that it is simulated", () => {
  const tile = (status) => ({ status, began: 1000 });
  const tiles = [...Array(20).fill(tile("done")), ...Array(20).fill(tile("running"))];
  assert.equal(timeOf(tiles, 1000 + 2400, 60), "40 s, about 40 s left", "never 40:00 for 40 s");
  assert.equal(timeOf(tiles, 1000 + 2400, null), "40:00 simulated", "time that jumps foretells nothing");
  assert.equal(lasting(62, 1), "62 s");
  assert.equal(lasting(3720, 60), "62 s");
  assert.equal(lasting(30, 60), "1 s", "what took some time did not take none");
  assert.equal(lasting(62, null), "62 s simulated");
});

test("case U4: the time left is told once enough are finished to know, rounded, and not when next to none is left", () => {
  const tiles = (over, left) => [...Array(over).fill({ status: "done", began: 100 }), ...Array(left).fill({ status: "running", began: 100 })];
  assert.equal(timeOf(tiles(2, 2), 160, 1), "60 s", "two tell too little");
  assert.equal(timeOf(tiles(9, 991), 160, 1), "60 s");
  assert.equal(timeOf(tiles(10, 990), 160, 1), "60 s, about 99 min left");
  assert.equal(timeOf(tiles(20, 9), 160, 1), "60 s, about 30 s left");
  assert.equal(timeOf(tiles(60, 3), 160, 1), "60 s", "never 0 s left");
  assert.equal(timeOf(tiles(10, 9990), 160, 1), "60 s, about 17 h left");
});

test("case U4: a tile says how long it may take only while that is still ahead, and the server works on it", () => {
  assert.equal(waited("running", 8, 41, 1), "8 s of about 41 s");
  assert.equal(waited("running", 62, 62, 1), "62 s");
  assert.equal(waited("downloading", 8, 41, 1), "8 s");
  assert.equal(waited("running", 480, 2460, 60), "8 s of about 41 s");
  assert.equal(waited("running", 8, null, 1), "8 s");
});

test("no module has more than 600 lines, and no two of one script name the same thing", () => {
  const names = readdirSync(source).filter((name) => name.endsWith(".js"));
  const seen = new Map();
  for (const name of names) {
    const text = readFileSync(new URL(name, source), "utf8");
    assert.ok(text.split("\n").length <= 601, name);
    const entry = name === "wall.js" || name === "board.js";
    for (const [, word] of text.matchAll(/^(?:export )?(?:default )?(?:async )?(?:function|class|const|let) (\w+)/gm)) {
      if (entry && word === "widget") continue;
      assert.ok(!seen.has(word), `${word} in ${name} and ${seen.get(word)}`);
      seen.set(word, name);
    }
  }
});

test("case V1: a listener that fails silences no other, and its error is reported", (context) => {
  const reported = [];
  globalThis.reportError = ({ message }) => reported.push(message);
  context.after(() => delete globalThis.reportError);
  const { signal } = new AbortController();
  const fail = () => {
    throw new Error("refused");
  };
  const [state, store] = [new ViewState(), new Store()];
  const deck = new Playback(state, signal);
  const heard = [];
  for (const listen of [state.subscribe.bind(state), store.subscribe.bind(store), deck.follow.bind(deck)]) {
    listen(fail, signal);
    listen(() => heard.push(listen.name), signal);
  }
  state.set({ muted: false });
  store.load({ name: "", axes: [], tiles: [], serial: 0, states: {} }, 0);
  deck.seek(0);
  assert.deepEqual(new Set(heard), new Set(["bound subscribe", "bound follow"]));
  assert.equal(heard.filter((name) => name === "bound subscribe").length, 2);
  assert.ok(reported.length >= 3 && reported.every((message) => message === "refused"));
});
