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
  const place = document.getElementById("gridgen-wall");
  watchFolder(document.getElementById("gridgen-missing"), place, end.signal);
  place?.replaceChildren(view.element, paper.element);
}

/**
 * Say that the folder of media is missing, once something of it could not be had and nothing could.
 *
 * @param {HTMLElement | null} said what says so; none where the page has all in itself
 * @param {HTMLElement | null} place where media are shown
 * @param {AbortSignal} signal
 */
function watchFolder(said, place, signal) {
  if (!said || !place) return;
  let had = false;
  const options = { capture: true, signal };
  const hear = (/** @type {Event} */ { type, target }) => {
    // an icon, too, tells that it is loaded
    if (!(target instanceof HTMLImageElement || target instanceof HTMLVideoElement)) return;
    had ||= type !== "error";
    said.hidden = had;
  };
  for (const type of ["load", "loadeddata", "error"]) place.addEventListener(type, hear, options);
}

show();
