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
    this.element.showPopover?.();
    const { left, bottom, top } = anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.element;
    const below = bottom + 6 + offsetHeight < innerHeight;
    this.element.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
    this.element.style.top = `${below ? bottom + 6 : Math.max(8, top - offsetHeight - 6)}px`;
  }

  hide() {
    if (this.element.matches(":popover-open")) this.element.hidePopover();
  }
}
