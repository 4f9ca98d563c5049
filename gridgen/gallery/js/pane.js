/** Pixels around the wall that stay free, and of its table that are shown however little room there is. */
const AROUND = 12;
const LEAST = 240;

/**
 * Let the wall be no taller than what it is scrolled in, menus and bar included.
 *
 * @param {HTMLElement} root
 * @param {HTMLElement} table the part of it that scrolls by itself
 * @param {AbortSignal} signal ends it
 */
export function fitPane(root, table, signal) {
  const fit = () => {
    if (!root.isConnected || !root.offsetHeight) return;
    const outer = /** @type {HTMLElement} */ (root.closest(".gridgen-gallery") ?? root);
    const pane = paneOf(root);
    if (pane) observer.observe(pane);
    const room = (pane?.clientHeight ?? innerHeight) - (outer.offsetHeight - table.offsetHeight) - AROUND;
    root.style.setProperty("--gg-room", `${Math.max(room, LEAST)}px`);
  };
  const observer = new ResizeObserver(fit);
  observer.observe(root);
  addEventListener("resize", fit, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** @param {HTMLElement} root @returns {Element | null} the outermost that scrolls it: inner ones grow with what they hold */
function paneOf(root) {
  let found = null;
  for (let at = parentOf(root); at && at !== document.body && at !== document.documentElement; at = parentOf(at))
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) found = at;
  return found;
}

/** @param {Element} element @returns {Element | null} */
function parentOf(element) {
  const root = element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}
