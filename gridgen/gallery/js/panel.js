import { Ticker } from "./clock.js";
import { followTheme, make, mark, write } from "./dom.js";
import { stopByFile } from "./stopfile.js";
import { announce, isFinal, lasting, meaningOf, money, toneOf } from "./status_texts.js";

/**
 * @typedef {import("./rpc.js").Rpc} Rpc
 * @typedef {{now: number, name: string, clips: number, counts: [string, number][], footage: number, wanted: number,
 *   began: number | null, ended: number | null, speed: number | null, cost: string, estimate: string, unpriced: number,
 *   stopped: boolean, waits: string[], troubles: {what: string, status: string, why: string}[], more: number,
 *   retry: {rows: number[], price: string, unpriced: number}, remedies: string[], stop: import("./stopfile.js").StopFile}} Standing
 */

/** Milliseconds that the kernel is given to answer; one that a cell holds does not hear. */
const ANSWERS_WITHIN = 250;

/** Where a sweep stands: counts, bar, time, money, what went wrong, and the button that stops it. */
export class Panel {
  #link;
  #signal;
  #ticker = new Ticker();
  /** @type {Standing | null} */
  #standing = null;
  #spoken = 0;
  #stopped = false;
  #name = make("strong", { class: "gg-name" });
  #plan = make("span", { class: "gg-sums" });
  #bar = make("div", { class: "gg-segments", role: "progressbar", "aria-label": "Clips finished", "aria-valuemin": 0 });
  #chips = make("div", { class: "gg-counts" });
  #sums = make("div", { class: "gg-sums" });
  #stop = /** @type {HTMLButtonElement} */ (
    make("button", { class: "gg-stop", type: "button", title: "Submit nothing more; what runs is followed to its end" })
  );
  #note = make("div", { class: "gg-note" });
  #waits = make("ul", { class: "gg-waits", "aria-label": "What the sweep waits for" });
  #troubles = make("details", { class: "gg-troubles" });
  #retry = /** @type {HTMLButtonElement} */ (make("button", { class: "gg-retry", type: "button" }));
  #remedies = make("ul", { class: "gg-remedies", "aria-label": "What can be done" });
  #live = make("div", { class: "gg-live", "aria-live": "polite" });
  element = make("div", { class: "gg-wall gg-board" });

  /**
   * @param {Rpc} link
   * @param {AbortSignal} signal
   */
  constructor(link, signal) {
    this.#link = link;
    this.#signal = signal;
    this.#stop.textContent = "Stop";
    const title = make("div", { class: "gg-title" }, this.#name, this.#plan, this.#stop);
    const line = make("div", { class: "gg-line" }, this.#chips, this.#sums);
    this.element.append(title, this.#bar, line, this.#waits, this.#note);
    this.element.append(make("div", { class: "gg-attention" }, this.#troubles, this.#retry), this.#remedies, this.#live);
    this.#retry.addEventListener("click", () => this.#again(), { signal });
    this.#stop.addEventListener("click", () => this.#halt(), { signal });
    this.element.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation(), { signal });
    followTheme(this.element, signal);
    const second = setInterval(() => this.#time(), 1000);
    signal.addEventListener("abort", () => clearInterval(second));
  }

  /** @param {Standing} standing */
  show(standing) {
    this.#standing = standing;
    this.#ticker.hear(standing.now, performance.now());
    const busy = standing.counts.some(([status]) => !isFinal(status));
    write(this.#name, standing.name);
    write(this.#plan, `${standing.clips} ${standing.clips === 1 ? "clip" : "clips"} · ${standing.wanted} s of footage`);
    this.#segments(standing);
    this.#chips.replaceChildren(...standing.counts.map(([status, count]) => chip(status, count)));
    this.#stop.hidden = !busy;
    if (standing.stopped) this.#halted();
    else if (this.#stopped) this.#release();
    this.#list(standing);
    this.#waits.hidden = standing.waits.length === 0;
    this.#waits.replaceChildren(...standing.waits.map((text) => make("li", { text: `Waits for ${text}` })));
    this.#time();
    this.#say(announce(standing.counts), busy);
  }

  /** @param {Standing} standing */
  #segments({ counts, clips }) {
    const wanted = counts.filter(([status]) => status !== "skipped");
    this.#bar.replaceChildren(
      ...wanted.map(([status, count]) => {
        const part = make("span", { "data-tone": toneOf(status), title: `${count} ${status}` });
        part.style.flexGrow = String(count);
        return part;
      }),
    );
    const over = wanted.filter(([status]) => isFinal(status)).reduce((sum, [, count]) => sum + count, 0);
    mark(this.#bar, "aria-valuemax", String(clips));
    mark(this.#bar, "aria-valuenow", String(over));
  }

  #time() {
    const standing = this.#standing;
    if (!standing) return;
    const { began, ended, speed, cost, estimate, unpriced } = standing;
    const until = ended ?? this.#ticker.time(performance.now());
    const price = estimate && estimate !== cost ? ` of ${money(estimate)}${unpriced ? "+" : ""} estimated` : "";
    const parts = [began === null ? "" : lasting(until - began, speed), `${money(cost)}${price}`];
    write(this.#sums, parts.filter(Boolean).join(" · "));
    mark(this.element, "data-gone", this.element.closest(".jupyter-widgets-disconnected") ? "" : null);
  }

  /** @param {Standing} standing */
  #list({ troubles, more, retry, remedies }) {
    this.#retry.hidden = retry.rows.length === 0;
    write(this.#retry, againFor(retry));
    this.#remedies.hidden = remedies.length === 0;
    this.#remedies.replaceChildren(...remedies.map((text) => make("li", { text })));
    this.#troubles.hidden = troubles.length === 0;
    const items = troubles.map(({ what, status, why }) =>
      make("li", {}, make("b", { "data-tone": toneOf(status), text: status }), ` ${what}`, make("span", { class: "gg-why", text: why || meaningOf(status) })),
    );
    const rest = more ? [make("li", { text: `and ${more} more` })] : [];
    const count = troubles.length + more;
    const summary = make("summary", { text: `${count} ${count === 1 ? "clip needs" : "clips need"} attention` });
    this.#troubles.replaceChildren(summary, make("ul", {}, ...items, ...rest));
  }

  async #halt() {
    const { stop } = /** @type {Standing} */ (this.#standing);
    let over = false;
    let taken = false;
    const end = (/** @type {string} */ why) => {
      if (over) return;
      over = true;
      if (why) this.#refuse(why);
      else this.#halted();
    };
    this.#stop.disabled = true;
    write(this.#note, "Stopping …");
    const answered = this.#link.ask({ kind: "stop", file: stop.file }, this.#signal).then(
      ({ content }) => {
        taken = content.taken;
        end("");
      },
      (reason) => end(`Not stopped: ${reason.message}`),
    );
    await Promise.race([answered, new Promise((late) => setTimeout(late, ANSWERS_WITHIN))]);
    const isTaken = () => taken || this.#standing?.stop.file !== stop.file;
    if (over) return;
    if (await stopByFile(stop, this.#link.notebook, isTaken, () => over)) end("");
    else if (!over) this.#refuse("Not stopped yet: the kernel is busy. Use the kernel's stop button (■).");
  }

  /** Make the failed clips again that the button counts, at the price that it names: what else failed meanwhile is not meant. */
  async #again() {
    const { retry } = /** @type {Standing} */ (this.#standing);
    this.#retry.disabled = true;
    write(this.#note, "Asked for: the kernel submits them as soon as its cell is over.");
    try {
      await this.#link.ask({ kind: "retry", rows: retry.rows }, this.#signal);
      write(this.#note, "");
    } catch (reason) {
      write(this.#note, `Not made again: ${/** @type {Error} */ (reason).message}`);
    }
    this.#retry.disabled = false;
  }

  #halted() {
    this.#stop.disabled = true;
    this.#stopped = true;
    write(this.#note, "Stopped: nothing more is submitted; what runs is followed. start() or run() goes on.");
  }

  /** @param {string} why */
  #refuse(why) {
    this.#release();
    write(this.#note, why);
  }

  #release() {
    this.#stopped = false;
    this.#stop.disabled = false;
    write(this.#note, "");
  }

  /** @param {string} text @param {boolean} busy */
  #say(text, busy) {
    const now = performance.now();
    if (busy && now - this.#spoken < 5000) return;
    this.#spoken = now;
    write(this.#live, text);
  }
}

/**
 * @param {Standing["retry"]} retry
 * @returns {string} what a click makes, and what it may cost
 */
export function againFor({ rows, price, unpriced }) {
  const unknown = unpriced ? `${unpriced} of unknown price` : "";
  return `Make ${rows.length} ${rows.length === 1 ? "clip" : "clips"} again: ${[money(price), unknown].filter(Boolean).join(" and ")}`;
}

/**
 * @param {string} status
 * @param {number} count
 * @returns {HTMLElement}
 */
export function chip(status, count) {
  return make("span", { class: "gg-chip", "data-tone": toneOf(status) }, make("b", { text: count }), ` ${status}`);
}
