import { followTheme, make, mark, write } from "./dom.js";
import { markFields } from "./form_fields.js";
import { Rpc } from "./rpc.js";
import { standIn } from "./still.js";

/**
 * @typedef {import("./rpc.js").Model} Model
 * @typedef {{id: string, state: string, text: string, says: string}} Place
 * @typedef {{id: string, text: string, span: number}} Head
 * @typedef {object} Plan what the form's grid would make
 * @property {string[]} facts figures in words
 * @property {string} problem what is wrong instead, empty for nothing
 * @property {string} code the same grid in Python
 * @property {Record<string, string>} [wrong] what is wrong with a field, by its name
 * @property {number} [corner] levels of row headers
 * @property {string[]} [cols] names of the axes
 * @property {string[]} [rows]
 * @property {Head[][]} [top]
 * @property {{heads: Head[], boxes: Place[][]}[]} [lines]
 * @property {number} [more] places that are not drawn
 */

/** Bytes of the largest image that is sent through the kernel; Jupyter's server closes the line on more than 10 MiB. */
export const LARGEST_DROP = 9_000_000;

const PLACE_SIGNS = /** @type {Record<string, string>} */ ({
  new: "+",
  made: "✓",
  "under way": "…",
  skipped: "–",
  "in trouble": "!",
});

/** The layout picker as one output shows it. */
export class SkeletonView {
  #link;
  #signal;
  #facts = make("div", { class: "gg-facts" });
  #problem = make("div", { class: "gg-problem", role: "alert" });
  #scroll = make("div", { class: "gg-places-scroll" });
  #bar = make("div", { class: "gg-code-bar" });
  #table = make("table", { class: "gg-places", role: "grid", "aria-label": "Layout: click a place to leave it out" });
  #notice = make("div", { class: "gg-problem", role: "status" });
  #more = make("div", { class: "gg-note" });
  #code = make("pre", { class: "gg-code" });
  #copy = make("button", { class: "gg-copy", type: "button", text: "Copy code" });
  #said = make("span", { class: "gg-said", role: "status" });
  #input = /** @type {HTMLInputElement} */ (
    make("input", { type: "file", multiple: true, accept: "image/png,image/jpeg,image/webp,image/gif", class: "gg-live" })
  );
  #drop = make("label", { class: "gg-drop" }, this.#input, "Drop reference images here, or choose files");
  /** @type {string} */
  #current = "";
  /** @type {Record<string, string>} */
  #wrong = {};
  element = make("div", { class: "gg-wall gg-picker" });

  /**
   * @param {Rpc} link
   * @param {AbortSignal} signal
   */
  constructor(link, signal) {
    this.#link = link;
    this.#signal = signal;
    this.#scroll.append(this.#table);
    this.#bar.append(make("strong", { text: "Python" }), this.#copy);
    const parts = [this.#facts, this.#problem, this.#scroll, this.#more, this.#drop, this.#said, this.#bar, this.#code];
    this.element.append(...parts, this.#notice);
    this.#listen();
    followTheme(this.element, signal);
  }

  #listen() {
    const options = { signal: this.#signal };
    const { element } = this;
    element.addEventListener("keydown", (event) => this.#key(event), options);
    this.#table.addEventListener("click", (event) => this.#clicked(event), options);
    this.#table.addEventListener("focusin", (event) => this.#rove(placeOf(event.target)), options);
    this.#copy.addEventListener("click", () => this.#copied(), options);
    this.#input.addEventListener("change", () => this.#take([...(this.#input.files ?? [])]), options);
    // the form is around this element only after it was rendered
    const held = setTimeout(() => this.#listenTo(element.closest(".gridgen-builder") ?? element), 0);
    this.#signal.addEventListener("abort", () => clearTimeout(held));
  }

  /** @param {Element} form takes files anywhere, lest a drop beside the mark leave the page for the picture */
  #listenTo(form) {
    const options = { signal: this.#signal };
    if (form !== this.element) followTheme(/** @type {HTMLElement} */ (form), this.#signal);
    markFields(form, this.#wrong);
    form.addEventListener("keydown", holdInForm, options);
    for (const name of ["dragenter", "dragover"]) form.addEventListener(name, (event) => this.#over(event), options);
    form.addEventListener("dragleave", (event) => this.#left(/** @type {DragEvent} */ (event), form), options);
    form.addEventListener("drop", (event) => this.#dropped(/** @type {DragEvent} */ (event)), options);
  }

  /** @param {Plan} plan */
  show(plan) {
    this.#facts.replaceChildren(...(plan.facts ?? []).map((text, at) => make(at ? "span" : "strong", { text })));
    write(this.#problem, plan.problem ?? "");
    this.#problem.hidden = !plan.problem;
    write(this.#code, plan.code ?? "");
    for (const each of [this.#bar, this.#code]) each.hidden = !plan.code;
    const hadFocus = this.#table.contains(document.activeElement);
    this.#scroll.hidden = !plan.lines?.length;
    this.#table.replaceChildren(...this.#top(plan), ...(plan.lines ?? []).map((line) => placeRow(line)));
    this.#more.hidden = !plan.more;
    write(this.#more, plan.more ? `and ${plan.more.toLocaleString("en")} more places` : "");
    this.#settle(hadFocus);
    this.#wrong = plan.wrong ?? {};
    const form = this.element.closest(".gridgen-builder");
    if (form) markFields(form, this.#wrong);
  }

  /** @param {string} text what the kernel has to say of running */
  say(text) {
    write(this.#notice, text);
    this.#notice.hidden = !text;
  }

  /** @param {Plan} plan */
  #top({ top = [], corner = 0, cols = [] }) {
    return top.map((heads, level) => {
      const lead = corner ? [make("td", { colspan: corner, class: "gg-axis", text: cols[level] })] : [];
      return make("tr", {}, ...lead, ...heads.map((head) => placeHead(head, "colspan")));
    });
  }

  /** @param {boolean} hadFocus keep one place that Tab reaches, and the focus on it */
  #settle(hadFocus) {
    const found = /** @type {HTMLElement | null} */ (
      this.#table.querySelector(`[data-place="${CSS.escape(this.#current)}"]`) ?? this.#table.querySelector("[data-place]")
    );
    if (!found) return;
    this.#rove(found);
    if (hadFocus) found.focus();
  }

  /** @param {HTMLElement | null} button */
  #rove(button) {
    if (!button) return;
    for (const each of this.#table.querySelectorAll('[tabindex="0"]')) mark(each, "tabindex", "-1");
    mark(button, "tabindex", "0");
    this.#current = button.getAttribute("data-place") ?? "";
  }

  /** @param {Event} event */
  #clicked({ target }) {
    const place = placeOf(target)?.getAttribute("data-place");
    if (place) this.#ask({ kind: "toggle", place });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") return;
    event.stopPropagation();
    const here = placeOf(event.target);
    if (!here || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    nextPlace(this.#table, here, event.key)?.focus();
  }

  #copied() {
    const text = this.#code.textContent ?? "";
    const told = () => write(this.#said, "Copied");
    navigator.clipboard?.writeText(text).then(told, () => this.#select());
    if (!navigator.clipboard) this.#select();
  }

  /** Where the page may not write to the clipboard the code is selected instead. */
  #select() {
    getSelection()?.selectAllChildren(this.#code);
    write(this.#said, "Selected: press Ctrl+C");
  }

  /** @param {Event} event */
  #over(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(this.#drop, "data-over", "");
  }

  /** @param {DragEvent} event @param {Element} form */
  #left({ relatedTarget }, form) {
    if (!form.contains(/** @type {Node | null} */ (relatedTarget))) mark(this.#drop, "data-over", null);
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(this.#drop, "data-over", null);
    this.#take([...(event.dataTransfer?.files ?? [])]);
  }

  /** @param {File[]} files */
  async #take(files) {
    for (const file of files) {
      const megabytes = (file.size / 1e6).toFixed(1);
      if (file.size > LARGEST_DROP) {
        write(this.#said, `${file.name} has ${megabytes} MB, too much for the browser's line; type its path instead`);
        continue;
      }
      await this.#ask({ kind: "image", name: file.name }, [await file.arrayBuffer()]);
    }
    this.#input.value = "";
  }

  /**
   * @param {Record<string, unknown>} question
   * @param {ArrayBuffer[]} [buffers]
   */
  async #ask(question, buffers) {
    try {
      const { content } = await this.#link.ask(question, this.#signal, buffers);
      write(this.#said, content.said ?? "");
    } catch (reason) {
      if (!this.#signal.aborted) write(this.#said, /** @type {Error} */ (reason).message);
    }
  }
}

/** @param {Event} event whether it is files that are dragged, and not a text */
function hasFiles(event) {
  return /** @type {DragEvent} */ (event).dataTransfer?.types.includes("Files") ?? false;
}

/** @param {Event} event kept from the notebook, whose shortcuts would change cells */
function holdInForm(event) {
  if (/** @type {KeyboardEvent} */ (event).key !== "Escape") event.stopPropagation();
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function placeOf(target) {
  return target instanceof Element ? target.closest("[data-place]") : null;
}

/** @param {{heads: Head[], boxes: Place[][]}} line */
function placeRow({ heads, boxes }) {
  const cells = boxes.map((places) => make("td", {}, ...places.map(placeButton)));
  return make("tr", {}, ...heads.map((head) => placeHead(head, "rowspan")), ...cells);
}

/** @param {Head} head @param {"colspan" | "rowspan"} way */
function placeHead({ id, text, span }, way) {
  const button = make("button", { type: "button", "data-place": id, tabindex: -1, text, title: `${text}: leave out, or take in again` });
  return make("th", { [way]: span, scope: way === "colspan" ? "col" : "row" }, button);
}

/** @param {Place} place */
function placeButton({ id, state, text, says }) {
  return make("button", {
    type: "button",
    class: "gg-place",
    "data-place": id,
    "data-state": state,
    "aria-pressed": String(state !== "skipped"),
    "aria-label": says,
    title: says,
    tabindex: -1,
    text: `${PLACE_SIGNS[state] ?? ""} ${text}`.trim(),
  });
}

/**
 * Find the nearest place of the same row or column in a direction.
 *
 * @param {HTMLElement} table
 * @param {HTMLElement} from
 * @param {string} arrow
 * @returns {HTMLElement | undefined}
 */
function nextPlace(table, from, arrow) {
  const here = from.getBoundingClientRect();
  const level = arrow === "ArrowLeft" || arrow === "ArrowRight";
  const sign = arrow === "ArrowRight" || arrow === "ArrowDown" ? 1 : -1;
  let best;
  let least = Infinity;
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (table.querySelectorAll("[data-place]"))) {
    const there = each.getBoundingClientRect();
    const beside = level
      ? there.top < here.bottom && there.bottom > here.top
      : there.left < here.right && there.right > here.left;
    const ahead = sign * (level ? there.left - here.left : there.top - here.top);
    if (beside && ahead > 2 && ahead < least) [best, least] = [each, ahead];
  }
  return best;
}

/** One for each model. */
export default function widget() {
  /** @type {Rpc} */
  let link;
  return {
    /** @param {{model: Model, signal: AbortSignal}} host */
    initialize({ model, signal }) {
      link = new Rpc(model);
      const hear = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => link.answer(content, buffers);
      model.on("msg:custom", hear);
      signal.addEventListener("abort", () => model.off("msg:custom", hear));
    },

    /** @param {{model: Model, el: HTMLElement, signal: AbortSignal}} host */
    render({ model, el, signal }) {
      const view = new SkeletonView(link, signal);
      const draw = () => view.show(model.get("plan"));
      const say = () => view.say(model.get("said"));
      model.on("change:plan", draw);
      model.on("change:said", say);
      signal.addEventListener("abort", () => model.off("change:plan", draw));
      signal.addEventListener("abort", () => model.off("change:said", say));
      signal.addEventListener("abort", () => view.element.remove());
      el.append(view.element);
      standIn(model, view.element, signal);
      draw();
      say();
    },
  };
}
