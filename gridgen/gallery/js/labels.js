/**
 * @typedef {{text: string, same: boolean}} Part a run of words; `same` where every label has them
 * @typedef {{short: string, parts: Part[]}} Telling a label as its differences, and whole
 */

/** Words in a row that all labels share, from which on they are left out. */
const LONG_RUN = 3;
/** Labels up to this many characters stay whole. */
const SHORT_ENOUGH = 56;
/** Labels beyond which finding what all share is not worth the time. */
const MOST_COMPARED = 60;

/**
 * Tell labels by the words in which they differ.
 *
 * @param {string[]} labels of one axis
 * @param {number} [most] labels up to this many characters stay whole
 * @returns {Telling[]}
 */
export function tell(labels, most = SHORT_ENOUGH) {
  const words = labels.map((label) => label.split(/\s+/).filter(Boolean));
  const common = labels.length > 1 && labels.length <= MOST_COMPARED ? words.reduce(shared) : [];
  const parts = words.map((each) => partsOf(each, common));
  const shorts = parts.map((each, at) => (each.some(leftOut) ? elide(each) : labels[at]));
  const plain = Math.max(...labels.map((label) => label.length)) <= most || new Set(shorts).size < labels.length;
  return labels.map((label, at) => ({ short: plain ? label : shorts[at], parts: parts[at] }));
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {string[]} the longest list of words that both have in this order
 */
function shared(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  const found = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) [i, j] = [i + 1, found.push(b[j]) && j + 1];
    else if (lengths[i + 1][j] >= lengths[i][j + 1]) i += 1;
    else j += 1;
  }
  return found;
}

/**
 * @param {string[]} words
 * @param {string[]} common in the same order within them
 * @returns {Part[]}
 */
function partsOf(words, common) {
  /** @type {{words: string[], same: boolean}[]} */
  const runs = [];
  const last = lastPlaces(words, common);
  let next = 0;
  words.forEach((word, at) => {
    const same = next < common.length && word === common[next] && at <= last[next];
    if (same) next += 1;
    const run = runs[runs.length - 1];
    if (run?.same === same) run.words.push(word);
    else runs.push({ words: [word], same });
  });
  return runs.map(({ words: some, same }) => ({ text: some.join(" "), same }));
}

/**
 * @param {string[]} words
 * @param {string[]} common
 * @returns {number[]} the last place at which each may be met, so that the others still fit behind it
 */
function lastPlaces(words, common) {
  const places = Array(common.length).fill(0);
  for (let at = words.length - 1, next = common.length - 1; next >= 0; at -= 1) if (words[at] === common[next]) places[next--] = at;
  return places;
}

/** @param {Part} part */
function leftOut({ text, same }) {
  return same && text.split(" ").length >= LONG_RUN;
}

/** @param {Part[]} parts @returns {string} */
function elide(parts) {
  const kept = parts.map((part) => (leftOut(part) ? "…" : part.text));
  if (kept.length === 1 && kept[0] === "…") return `… ${parts[0].text.split(" ").slice(-2).join(" ")}`;
  return kept.join(" ");
}
