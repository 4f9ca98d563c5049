/**
 * Create an element. Text only ever goes in as text, never as markup.
 *
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined>} [props] attribute values; `text` is the text content
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} value
 * @param {string} text
 * @param {string} [title]
 * @returns {HTMLElement} one entry of a menu
 */
export function option(value, text, title) {
  return make("option", { value, text, title, dir: "auto" });
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * Draw an icon of one stroked path on a 16 x 16 field.
 *
 * @param {string} path
 * @param {string} [when] class that says when it is seen
 * @returns {SVGElement}
 */
export function icon(path, when = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `gg-icon ${when}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * Change an attribute only where it differs, so that an idle tile costs no layout.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value null removes it
 */
export function mark(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/**
 * Change the text only where it differs.
 *
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Paint the root dark or light after its own background, which the theme decides.
 *
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function followTheme(root, signal) {
  const look = () => {
    const [red, green, blue] = channels(getComputedStyle(root).backgroundColor);
    mark(root, "data-theme", 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? "dark" : "light");
  };
  const later = () => [0, 150, 600].forEach((ms) => setTimeout(look, ms));
  const watcher = new MutationObserver(later);
  for (const element of [document.documentElement, document.body]) {
    watcher.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-name"] });
  }
  signal.addEventListener("abort", () => watcher.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later, { signal });
  later();
}

/**
 * @param {string} color as computed style spells it
 * @returns {number[]} red, green, blue in 0 to 255
 */
function channels(color) {
  const numbers = (color.match(/[\d.]+/g) ?? ["255", "255", "255"]).map(Number);
  return color.startsWith("color(") ? numbers.slice(0, 3).map((part) => part * 255) : numbers;
}

/**
 * @param {EventTarget | null} target
 * @returns {number} id of the tile that it lies in, -1 for none
 */
export function idOf(target) {
  const tile = target instanceof Element ? target.closest(".gg-tile") : null;
  return tile ? Number(tile.getAttribute("data-id")) : -1;
}

/** @returns {boolean} whether the person asked for less motion */
export function wantsStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
