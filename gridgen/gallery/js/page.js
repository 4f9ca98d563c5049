import { PageHost } from "./environment.js";
import { PrintSheet } from "./print.js";
import { WallView } from "./view.js";

/**
 * Draw the wall on a page that has no kernel. The page holds what is known as JSON
 * in an element `gridgen-known`, and has an empty element `gridgen-wall`.
 */
function show() {
  const known = JSON.parse(document.getElementById("gridgen-known")?.textContent ?? "");
  const end = new AbortController();
  const host = new PageHost(known, end.signal);
  const view = new WallView(host, end.signal);
  const paper = new PrintSheet(host, () => view.shown, end.signal);
  // a page that the browser saved has in it what was drawn then
  document.getElementById("gridgen-wall")?.replaceChildren(view.element, paper.element);
}

show();
