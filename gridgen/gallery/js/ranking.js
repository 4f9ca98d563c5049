import { centred, cholesky, inverse, solve, zeros } from "./matrix.js";

/**
 * @typedef {[number, number, number][]} Rounds left item, right item, position in OUTCOMES
 * @typedef {object} Fit as in `gridgen.judgements.ranking`, which names the sources
 * @property {number[]} strength log-odds above the mean
 * @property {number[]} error standard error of each
 * @property {import("./matrix.js").Matrix} covariance
 * @property {number} tie
 * @property {number} lean
 */

export const OUTCOMES = /** @type {const} */ (["left", "right", "tie", "skip"]);
const [LEFT, RIGHT, TIE] = [0, 1, 2];
const SPREAD = 2;
const LEAN_PRIOR = { mean: 0, spread: 1 };
const TIE_PRIOR = { mean: -1, spread: 2 };
const STEPS = 60;
const CLOSE = 1e-9;

/**
 * Find the strengths behind blind rounds: Bradley-Terry with ties and a leaning to one side, weak normal priors.
 *
 * @param {number[][]} design columns of which each item has one, by their numbers
 * @param {Rounds} rounds skipped ones left out
 * @param {number} columns
 * @param {number} [ranked] how many of the first columns are to be ranked; all by default
 * @returns {Fit} of the ranked columns
 */
export function fit(design, rounds, columns, ranked = columns) {
  const size = columns + 2;
  const spread = [...Array(columns).fill(SPREAD), LEAN_PRIOR.spread, TIE_PRIOR.spread];
  const model = {
    rounds: rounds.map(([left, right, outcome]) => ({ terms: termsOf(design[left], design[right], columns), outcome })),
    mean: Float64Array.from([...Array(columns).fill(0), LEAN_PRIOR.mean, TIE_PRIOR.mean]),
    precision: Float64Array.from(spread, (each) => each ** -2),
  };
  let weights = Float64Array.from(model.mean);
  let value = objective(weights, model);
  for (let step = 0; step < STEPS; step += 1) {
    const { slope, curvature } = derivatives(weights, model);
    let move = solve(cholesky(curvature), slope);
    let [tried, got] = [weights, -Infinity];
    for (let halved = 0; halved < 30 && !(got >= value); halved += 1) {
      tried = weights.map((each, at) => each + move[at]);
      got = objective(tried, model);
      if (!(got >= value)) move = move.map((each) => each / 2);
    }
    if (!(got >= value)) break;
    [weights, value] = [tried, got];
    if (Math.max(...move.map(Math.abs)) < CLOSE) break;
  }
  const covariance = inverse(cholesky(derivatives(weights, model).curvature));
  const inner = centred(covariance.slice(0, ranked).map((row) => row.slice(0, ranked)));
  const mean = weights.slice(0, ranked).reduce((sum, each) => sum + each, 0) / ranked;
  return {
    strength: [...weights.slice(0, ranked)].map((each) => each - mean),
    error: inner.map((row, at) => Math.sqrt(Math.max(0, row[at]))),
    covariance: inner,
    tie: weights[size - 1],
    lean: weights[size - 2],
  };
}

/**
 * @param {number} difference of strengths, the leaning included
 * @param {number} tie
 * @returns {[number, number, number]} chances of left, right and tie
 */
export function chances(difference, tie) {
  const logits = [difference / 2, -difference / 2, tie];
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - most));
  const all = weights[0] + weights[1] + weights[2];
  return [weights[0] / all, weights[1] / all, weights[2] / all];
}

/**
 * Say what the next round of two items is expected to tell, in nats.
 *
 * @param {Fit} found
 * @param {number} one
 * @param {number} other
 */
export function gain({ strength, covariance, tie }, one, other) {
  const [left, right] = chances(strength[one] - strength[other], tie);
  const information = (left + right - (left - right) ** 2) / 4;
  const variance = Math.max(0, covariance[one][one] + covariance[other][other] - 2 * covariance[one][other]);
  return Math.log1p(information * variance) / 2;
}

/**
 * Choose the two items whose comparison tells most, on sides drawn by lot; near ties are drawn too.
 *
 * @param {Fit} found
 * @param {() => number} dice numbers from 0 to 1
 * @returns {[number, number]} left and right
 */
export function nextPair(found, dice) {
  const pairs = found.strength.flatMap((_, one) => found.strength.slice(one + 1).map((__, at) => /** @type {[number, number]} */ ([one, one + 1 + at])));
  const told = pairs.map(([one, other]) => gain(found, one, other));
  const most = Math.max(...told);
  const near = pairs.filter((_, at) => told[at] >= 0.98 * most);
  const [one, other] = near[Math.floor(dice() * near.length)];
  return dice() < 0.5 ? [one, other] : [other, one];
}

/**
 * @param {number} seed
 * @returns {() => number} numbers from 0 to 1, the same for the same seed (mulberry32, public domain, T. Ettinger 2017)
 */
export function diceOf(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {number[]} left columns of the left item
 * @param {number[]} right
 * @param {number} columns
 * @returns {[number, number][]} column and coefficient of what makes the left one win, the leaning last
 */
function termsOf(left, right, columns) {
  /** @type {Map<number, number>} */
  const terms = new Map();
  for (const column of left) terms.set(column, (terms.get(column) ?? 0) + 1);
  for (const column of right) terms.set(column, (terms.get(column) ?? 0) - 1);
  return [...[...terms].filter(([, count]) => count), [columns, 1]];
}

/** @typedef {{rounds: {terms: [number, number][], outcome: number}[], mean: Float64Array, precision: Float64Array}} Model */

/** @param {Float64Array} weights @param {[number, number][]} terms */
function along(weights, terms) {
  return terms.reduce((sum, [column, by]) => sum + by * weights[column], 0);
}

/** @param {Float64Array} weights @param {Model} model */
function objective(weights, { rounds, mean, precision }) {
  const tie = weights[weights.length - 1];
  const likelihood = rounds.reduce((sum, { terms, outcome }) => sum + Math.log(Math.max(chances(along(weights, terms), tie)[outcome], 1e-300)), 0);
  return likelihood - weights.reduce((sum, each, at) => sum + precision[at] * (each - mean[at]) ** 2, 0) / 2;
}

/** @param {Float64Array} weights @param {Model} model */
function derivatives(weights, { rounds, mean, precision }) {
  const last = weights.length - 1;
  const slope = weights.map((each, at) => precision[at] * (mean[at] - each));
  const curvature = zeros(weights.length);
  precision.forEach((each, at) => (curvature[at][at] = each));
  for (const { terms, outcome } of rounds) {
    const [left, right, tie] = chances(along(weights, terms), weights[last]);
    const lead = (Number(outcome === LEFT) - left - Number(outcome === RIGHT) + right) / 2;
    const information = (left + right - (left - right) ** 2) / 4;
    const mixed = -((left - right) * tie) / 2;
    slope[last] += Number(outcome === TIE) - tie;
    curvature[last][last] += tie * (1 - tie);
    for (const [column, by] of terms) {
      slope[column] += by * lead;
      curvature[last][column] += by * mixed;
      curvature[column][last] += by * mixed;
      for (const [other, times] of terms) curvature[column][other] += by * times * information;
    }
  }
  return { slope, curvature };
}
