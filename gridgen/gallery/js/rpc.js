/**
 * @typedef {object} Model what anywidget gives us of the widget's model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 * @property {(content: any, callbacks?: any, buffers?: ArrayBuffer[]) => void} send
 * @property {{context?: {path?: string}}} [widget_manager] of JupyterLab and Notebook 7 it knows the notebook
 * @typedef {{content: any, buffers: DataView[]}} Reply
 */

/** Questions to Python, each with an answer or a reason, over custom messages. */
export class Rpc {
  #model;
  /** The notebook's path, as the page's widgets know it; "" elsewhere. */
  notebook;
  #last = 0;
  /** @type {Map<number, {resolve: (reply: Reply) => void, reject: (reason: Error) => void, answered: AbortController}>} */
  #open = new Map();

  /** @param {Model} model */
  constructor(model) {
    this.#model = model;
    this.notebook = model.widget_manager?.context?.path ?? "";
  }

  /**
   * @param {Record<string, unknown>} question
   * @param {AbortSignal} [signal] stops waiting for the answer
   * @param {ArrayBuffer[]} [buffers] bytes that go along
   * @returns {Promise<Reply>}
   */
  ask(question, signal, buffers) {
    const request = ++this.#last;
    return new Promise((resolve, reject) => {
      const answered = new AbortController();
      this.#open.set(request, { resolve, reject, answered });
      const drop = () => {
        if (this.#open.delete(request)) reject(new DOMException("no longer wanted", "AbortError"));
      };
      signal?.addEventListener("abort", drop, { signal: answered.signal });
      this.#model.send({ ...question, request }, undefined, buffers);
    });
  }

  /**
   * Take a message that may be an answer.
   *
   * @param {any} content
   * @param {DataView[]} buffers
   * @returns {boolean} whether it was one
   */
  answer(content, buffers) {
    if (typeof content?.request !== "number") return false;
    const open = this.#open.get(content.request);
    this.#open.delete(content.request);
    open?.answered.abort();
    if (content.error) open?.reject(new Error(content.error));
    else open?.resolve({ content, buffers });
    return true;
  }
}
