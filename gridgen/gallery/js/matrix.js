/** @typedef {Float64Array[]} Matrix rows of a square matrix */

/**
 * @param {number} size
 * @returns {Matrix} of zeros
 */
export function zeros(size) {
  return Array.from({ length: size }, () => new Float64Array(size));
}

/**
 * @param {Matrix} matrix symmetric and positive definite
 * @returns {Matrix} the lower triangle whose product with its mirror it is (Cholesky)
 */
export function cholesky(matrix) {
  const lower = zeros(matrix.length);
  for (let row = 0; row < matrix.length; row += 1)
    for (let col = 0; col <= row; col += 1) {
      let sum = matrix[row][col];
      for (let at = 0; at < col; at += 1) sum -= lower[row][at] * lower[col][at];
      lower[row][col] = row === col ? Math.sqrt(sum) : sum / lower[col][col];
    }
  return lower;
}

/**
 * @param {Matrix} lower as `cholesky` gives
 * @param {Float64Array} right
 * @returns {Float64Array} what the matrix makes `right` of
 */
export function solve(lower, right) {
  const size = lower.length;
  const found = Float64Array.from(right);
  for (let row = 0; row < size; row += 1) {
    for (let at = 0; at < row; at += 1) found[row] -= lower[row][at] * found[at];
    found[row] /= lower[row][row];
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    for (let at = row + 1; at < size; at += 1) found[row] -= lower[at][row] * found[at];
    found[row] /= lower[row][row];
  }
  return found;
}

/**
 * @param {Matrix} lower as `cholesky` gives
 * @returns {Matrix} the inverse of the matrix
 */
export function inverse(lower) {
  return lower.map((_, at) => solve(lower, Float64Array.from(lower, (__, row) => Number(row === at))));
}

/**
 * Take the mean off every row and column, as off numbers that only count against each other.
 *
 * @param {Matrix} matrix symmetric
 * @returns {Matrix}
 */
export function centred(matrix) {
  const size = matrix.length;
  const means = matrix.map((row) => row.reduce((sum, each) => sum + each, 0) / size);
  const all = means.reduce((sum, each) => sum + each, 0) / size;
  return matrix.map((row, at) => row.map((each, col) => each - means[at] - means[col] + all));
}
