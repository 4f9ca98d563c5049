/**
 * Let the focus stay in a root when what has it is drawn anew, moved or hidden: keys go on to work, and the
 * notebook gets none of them. Where the person took the focus away, it stays away.
 *
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function keepFocus(root, signal) {
  /** @type {HTMLElement | null} */
  let last = null;
  root.addEventListener("focusin", ({ target }) => (last = /** @type {HTMLElement} */ (target)), { signal });
  // Chromium tells that the focus leaves what is taken away, Firefox does not: the watcher comes before any timer.
  const forget = (/** @type {FocusEvent} */ { target }) => setTimeout(() => last === target && document.activeElement !== target && (last = null));
  root.addEventListener("focusout", forget, { signal });
  const watcher = new MutationObserver((records) => {
    const now = document.activeElement;
    if (!last || (now && now !== document.body && now !== last)) return;
    const place = records.reduce(holderOf, /** @type {Node} */ (last));
    if (place !== last) homeOf(root, last, /** @type {Element} */ (place)).focus({ preventScroll: true });
  });
  watcher.observe(root, { subtree: true, childList: true, attributeFilter: ["hidden"] });
  signal.addEventListener("abort", () => watcher.disconnect());
}

/**
 * @param {Node} node
 * @param {MutationRecord} record
 * @returns {Node} what the node was taken out of, or what hides it; itself where the record is not about it
 */
function holderOf(node, { type, target, removedNodes }) {
  const took = type === "attributes" ? /** @type {HTMLElement} */ (target).hidden && target.contains(node) : [...removedNodes].some((each) => each.contains(node));
  return took ? target : node;
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} last what had the focus
 * @param {Element} place where it was
 * @returns {HTMLElement} itself where it is again, else the nearest around it that takes the focus
 */
function homeOf(root, last, place) {
  if (last.isConnected && !last.closest("[hidden]")) return last;
  const around = place.closest("[hidden]")?.parentElement ?? place;
  const found = /** @type {HTMLElement | null} */ (around.closest("[tabindex], dialog"));
  return found && root.contains(found) ? found : root;
}
