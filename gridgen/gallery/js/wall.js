import { RoundsView } from "./pairwise.js";
import { KernelHost } from "./environment.js";
import { standIn } from "./still.js";
import { WallView } from "./view.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 */

/** Milliseconds in which an output that is moved, or shown anew, is there again. */
const MOVING = 1500;

/** One for each model: its views share what is known and what is loaded. */
export default function widget() {
  /** @type {KernelHost} */
  let host;
  let views = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let leaving;

  const tell = () => {
    clearTimeout(leaving);
    host.turn(views > 0);
    if (!views) leaving = setTimeout(() => host.leave(), MOVING);
  };

  return {
    /** @param {{model: Model, signal: AbortSignal}} shown */
    initialize({ model, signal }) {
      host = new KernelHost(model, signal, tell);
      signal.addEventListener("abort", () => clearTimeout(leaving));
    },

    /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} shown */
    render({ model, el, signal }) {
      const view = host.rounds.length ? new RoundsView(host, host.rounds, signal) : new WallView(host, signal);
      el.append(view.element);
      standIn(model, view.element, signal, () => host.whole());
      views += 1;
      if (views === 1) tell();
      signal.addEventListener("abort", () => {
        view.element.remove();
        views -= 1;
        if (views) return;
        host.media.close();
        tell();
      });
    },
  };
}
