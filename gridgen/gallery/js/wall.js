import { Link } from "./link.js";
import { Media } from "./media.js";
import { Store } from "./store.js";
import { WallView } from "./view.js";

/**
 * @typedef {import("./link.js").Model} Model
 */

/** One for each model: its views share what is known and what is loaded. */
export default function widget() {
  const store = new Store();
  /** @type {Link} */
  let link;
  /** @type {Media} */
  let media;

  return {
    /** @param {{model: Model, signal: AbortSignal}} host */
    initialize({ model, signal }) {
      link = new Link(model);
      media = new Media(store, link);
      const refresh = async () => {
        const { content } = await link.ask({ kind: "snapshot" }, signal);
        store.load(content.snapshot, performance.now());
      };
      const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
        if (link.answer(content, buffers) || content?.kind !== "delta") return;
        if (!store.apply(content, performance.now())) refresh().catch(() => undefined);
      };
      model.on("msg:custom", hear);
      signal.addEventListener("abort", () => model.off("msg:custom", hear));
      signal.addEventListener("abort", () => media.cache.clear());
      store.load(model.get("snapshot"), performance.now());
      refresh().catch(() => undefined);
    },

    /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} host */
    render({ model, el, signal }) {
      const view = new WallView(model, store, media, signal);
      el.append(view.element);
      signal.addEventListener("abort", () => view.element.remove());
    },
  };
}
