import { make, mark } from "./dom.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 */

/**
 * Let a view that is alive hide the still of its widget, a plain output of the same cell, and one that is not make way
 * for it, where there is one. Both are rules of the page, so they hold also for a still that comes later or is sent anew.
 *
 * A view is alive once its widget is connected to a kernel; one that was stays so, since it goes on when the kernel is gone.
 *
 * @param {Model} model
 * @param {HTMLElement} element of the view
 * @param {AbortSignal} signal ends it
 * @param {() => Promise<boolean>} [whole] asked of a view without a kernel: whether it has all that it shows
 */
export function standIn(model, element, signal, whole = async () => false) {
  const name = model.get("still");
  if (!name) return;
  const rule = make("style");
  const show = (/** @type {boolean} */ alive) => {
    mark(element, "data-gg-live", alive ? name : null);
    mark(element, "data-gg-lost", alive ? null : name);
    rule.textContent = alive ? stillHidden(name) : viewHidden(name);
  };
  const look = () => {
    if (!element.closest(".jupyter-widgets-disconnected")) show(true);
  };
  show(false);
  look();
  document.head.append(rule);
  signal.addEventListener("abort", () => rule.remove());
  model.on("comm_live_update", look);
  signal.addEventListener("abort", () => model.off("comm_live_update", look));
  if (rule.textContent === viewHidden(name)) whole().then((all) => all && !signal.aborted && show(true), () => undefined);
}

/** @param {string} name */
function stillHidden(name) {
  const still = `[data-gg-still="${name}"]`;
  return `${still}, .jp-OutputArea-child:has(> .jp-OutputArea-output ${still}) { display: none !important }`;
}

/** @param {string} name */
function viewHidden(name) {
  const lost = `[data-gg-lost="${name}"]`;
  const around = `:is(.gridgen-gallery, .gridgen-builder):has(${lost})`;
  return `:root:has([data-gg-still="${name}"]) :is(${lost}, ${around}) { display: none !important }`;
}
