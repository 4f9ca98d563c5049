import { Rpc } from "./rpc.js";
import { Panel } from "./panel.js";
import { standIn } from "./still.js";
import { learnStates } from "./status_texts.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 * @typedef {import("./panel.js").Standing} Standing
 */

/** One for each model: every view shows the same standing. */
export default function widget() {
  /** @type {Rpc} */
  let link;
  /** @type {Standing} */
  let standing;
  /** @type {Set<Panel>} */
  const panels = new Set();

  return {
    /** @param {{model: Model, signal: AbortSignal}} host */
    initialize({ model, signal }) {
      link = new Rpc(model);
      learnStates(model.get("states"));
      standing = model.get("standing");
      const show = (/** @type {Standing} */ heard) => {
        standing = heard;
        for (const panel of panels) panel.show(standing);
      };
      const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
        if (!link.answer(content, buffers) && content?.kind === "standing") show(content.standing);
      };
      model.on("msg:custom", hear);
      signal.addEventListener("abort", () => model.off("msg:custom", hear));
      link.ask({ kind: "standing" }, signal).then(({ content }) => show(content.standing), () => undefined);
    },

    /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} host */
    render({ model, el, signal }) {
      const panel = new Panel(link, signal);
      panels.add(panel);
      panel.show(standing);
      el.append(panel.element);
      standIn(model, panel.element, signal);
      signal.addEventListener("abort", () => panels.delete(panel) && panel.element.remove());
    },
  };
}
