import { PageHost } from "./environment.js";
import { WallView } from "./view.js";

/**
 * Draw the wall on a page that has no kernel. The page holds what is known as JSON
 * in an element `gridgen-known`, and has an empty element `gridgen-wall`.
 */
function show() {
  const known = JSON.parse(document.getElementById("gridgen-known")?.textContent ?? "");
  const end = new AbortController();
  const view = new WallView(new PageHost(known, end.signal), end.signal);
  document.getElementById("gridgen-wall")?.append(view.element);
}

show();
