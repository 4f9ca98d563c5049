import { icon, make, mark, write } from "./dom.js";

/**
 * @typedef {import("./local_ratings.js").LocalRatings} LocalRatings
 */

const DOWN = "M8 2.5 V10 M4.8 7 8 10.2 11.2 7 M3 13.2 H13";

/** The reviewer's name on a page without a kernel, and the button that makes the file to send back. */
export class Sender {
  #book;
  #name = /** @type {HTMLInputElement} */ (make("input", { class: "gg-text gg-reviewer", dir: "auto", type: "text", placeholder: "your name", maxlength: 60, autocomplete: "name", "aria-label": "Your name, which goes with your ratings" }));
  #words = make("span");
  #save = make("button", { class: "gg-save", type: "button", title: "Download your ratings as a small file, to send back" }, icon(DOWN), this.#words);
  element = make("span", { class: "gg-sender" }, this.#name, this.#save);

  /**
   * @param {LocalRatings} book
   * @param {AbortSignal} signal
   */
  constructor(book, signal) {
    this.#book = book;
    this.#name.value = book.reviewer;
    this.#name.addEventListener("change", () => book.sign(this.#name.value), { signal });
    this.#save.addEventListener("click", () => this.#download(), { signal });
    book.subscribe(() => this.draw(), signal);
    this.draw();
  }

  /** Draw it as the book now is. */
  draw() {
    const { size, lasting } = this.#book;
    write(this.#words, size ? `Download ratings (${size})` : "Download ratings");
    this.#save.toggleAttribute("disabled", size === 0);
    mark(this.element, "data-fleeting", lasting ? null : "");
    mark(this.element, "title", lasting ? null : "This browser keeps nothing for this page: download before you leave it.");
  }

  #download() {
    this.#book.sign(this.#name.value);
    const url = URL.createObjectURL(new Blob([this.#book.file], { type: "application/json" }));
    make("a", { href: url, download: this.#book.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
