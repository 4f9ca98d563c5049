/**
 * A table of clips that stands in a page as plain HTML, before this script: a click on the
 * head of a column sorts by it, and words find rows. It needs no kernel and asks for nothing.
 */

const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

/**
 * Compare two cells of a column: by their number where they have one, else as texts; what says nothing comes last.
 *
 * @param {HTMLTableCellElement} one
 * @param {HTMLTableCellElement} other
 * @param {number} sign 1 to go up, -1 to go down
 * @returns {number}
 */
function cellsInOrder(one, other, sign) {
  const [a, b] = [one, other].map((cell) => cell.dataset.key ?? cell.textContent ?? "");
  if (!a || !b) return Number(!a) - Number(!b);
  const numbers = "key" in one.dataset && "key" in other.dataset;
  return sign * (numbers ? Number(a) - Number(b) : a.localeCompare(b));
}

/**
 * Let a table be sorted and searched.
 *
 * @param {Element} root holds one table, and a field to search in
 */
function begin(root) {
  const body = root.querySelector("tbody");
  const field = root.querySelector("input");
  const count = root.querySelector("output");
  const heads = [...root.querySelectorAll("th")];
  if (!body || !field || !count) return;
  const rows = [...body.rows];
  const texts = rows.map((row) => (row.textContent ?? "").toLowerCase());

  const find = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = texts.map((text) => words.every((word) => text.includes(word)));
    // a style of the page for table rows outweighs the attribute `hidden`
    rows.forEach((row, at) => { row.style.display = found[at] ? "" : "none"; });
    count.textContent = words.length ? `${found.filter(Boolean).length} of ${rows.length}` : "";
  };
  const sort = (/** @type {number} */ at) => {
    const order = NEXT[/** @type {keyof typeof NEXT} */ (heads[at].ariaSort ?? "none")];
    for (const head of heads) head.ariaSort = "none";
    heads[at].ariaSort = order;
    const sign = order === "descending" ? -1 : 1;
    const sorted = order === "none" ? rows : rows.toSorted((one, other) => cellsInOrder(one.cells[at], other.cells[at], sign));
    body.append(...sorted);
  };

  field.addEventListener("input", find);
  heads.forEach((head, at) => head.querySelector("button")?.addEventListener("click", () => sort(at)));
  for (const part of root.querySelectorAll("[hidden]")) part.removeAttribute("hidden");
}

if (document.currentScript?.previousElementSibling) begin(document.currentScript.previousElementSibling);
