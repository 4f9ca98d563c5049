import { RoundsView } from "./pairwise.js";
import { KernelHost } from "./environment.js";
import { WallView } from "./view.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 */

/** One for each model: its views share what is known and what is loaded. */
export default function widget() {
  /** @type {KernelHost} */
  let host;
  let views = 0;

  return {
    /** @param {{model: Model, signal: AbortSignal}} shown */
    initialize({ model, signal }) {
      host = new KernelHost(model, signal);
    },

    /** @param {{el: HTMLElement, signal: AbortSignal}} shown */
    render({ el, signal }) {
      const view = host.rounds.length ? new RoundsView(host, host.rounds, signal) : new WallView(host, signal);
      el.append(view.element);
      if (!views) host.turn(true);
      views += 1;
      signal.addEventListener("abort", () => {
        view.element.remove();
        views -= 1;
        if (views) return;
        host.media.close();
        host.turn(false);
      });
    },
  };
}
