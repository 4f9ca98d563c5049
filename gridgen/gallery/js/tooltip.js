import { make } from "./dom.js";

/**
 * @typedef {import("./labels.js").Part} Part
 */

/** The whole of a text that is shown in short, over whatever is pointed at or has the focus. */
export class Tooltip {
  element = make("div", { class: "gg-tip", popover: "manual", dir: "auto", role: "tooltip" });

  /**
   * @param {Element} anchor
   * @param {Part[]} parts what differs from its neighbours stands out
   */
  show(anchor, parts) {
    const pieces = parts.flatMap(({ text, same }, at) => [at ? " " : "", same ? text : make("mark", { text })]);
    this.element.replaceChildren(...pieces);
    pop(this.element, anchor);
  }

  hide() {
    if (this.element.matches(":popover-open")) this.element.hidePopover();
  }
}

/**
 * Show a popover below an element, or above it where there is no room.
 *
 * @param {HTMLElement} element
 * @param {Element} anchor
 */
export function pop(element, anchor) {
  element.showPopover?.();
  const { left, bottom, top } = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = element;
  const below = bottom + 6 + offsetHeight < innerHeight;
  element.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
  element.style.top = `${below ? bottom + 6 : Math.max(8, top - offsetHeight - 6)}px`;
}
