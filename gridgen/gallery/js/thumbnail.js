import { make } from "./dom.js";

/**
 * Draw a small picture of a clip, which comes when its file does.
 *
 * @param {import("./media.js").Media} media
 * @param {import("./store.js").Tile} tile
 * @param {AbortSignal} signal ends its use of the file
 * @returns {HTMLElement}
 */
export function thumbnailOf(media, tile, signal) {
  const image = make("img", { class: "gg-thumbnail", alt: "" });
  if (tile.poster) fill(/** @type {HTMLImageElement} */ (image), media, { ...tile }, signal);
  return image;
}

/** @param {HTMLImageElement} image @param {import("./media.js").Media} media @param {import("./store.js").Tile} tile @param {AbortSignal} signal */
async function fill(image, media, tile, signal) {
  try {
    const src = await media.url(tile, "poster", signal);
    if (signal.aborted) return media.free(tile, "poster");
    signal.addEventListener("abort", () => media.free(tile, "poster"));
    image.src = src;
  } catch {
    // The clip has its name beside it.
  }
}
