/**
 * @typedef {object} Binding one thing that keys do
 * @property {string[]} keys as `KeyboardEvent.key` names them, letters in lower case
 * @property {string} [shown] how the list of keys writes them
 * @property {string} does for the list of keys; an empty one is not listed
 * @property {"wall" | "stage"} [scope] the wall itself, or what lies open over it; both by default
 * @property {(event: KeyboardEvent) => boolean} [when] a further condition
 * @property {(event: KeyboardEvent) => void} act
 */

const SIGNS = /** @type {Record<string, string>} */ ({ " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" });

/** All that keys do in the wall. The list that `?` shows is drawn from it. */
export class Keys {
  /** @type {Binding[]} */
  #bindings = [];

  /**
   * @param {...Binding} bindings a later one of the same key is asked first
   */
  add(...bindings) {
    this.#bindings.push(...bindings);
  }

  /**
   * Do what a key means here.
   *
   * @param {KeyboardEvent} event
   * @param {"wall" | "stage"} here
   * @returns {boolean} whether it means anything
   */
  press(event, here) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const found = this.#bindings.findLast(
      ({ keys, scope = here, when }) => keys.includes(key) && scope === here && (when?.(event) ?? true),
    );
    found?.act(event);
    return found !== undefined;
  }

  /** @returns {[string, string][]} keys as a person reads them, and what they do */
  get list() {
    return this.#bindings
      .filter(({ does }) => does)
      .map(({ keys, shown, does }) => [shown ?? keys.map((key) => SIGNS[key] ?? spelled(key)).join(" "), does]);
  }
}

/** @param {string} key */
function spelled(key) {
  return key.length === 1 ? key.toUpperCase() : key;
}
