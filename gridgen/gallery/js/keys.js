/**
 * @typedef {{key: string, target: EventTarget | null}} Pressed a key by its meaning, whatever the layout, and where it was pressed
 * @typedef {object} Binding one thing that keys do
 * @property {string[]} keys as `KeyboardEvent.key` names them on a US layout, letters in lower case
 * @property {string} [shown] how the list of keys writes them
 * @property {string} does for the list of keys; an empty one is not listed
 * @property {"wall" | "stage"} [scope] the wall itself, or what lies open over it; both by default
 * @property {(pressed: Pressed) => boolean} [when] a further condition
 * @property {(pressed: Pressed) => void} act
 */

const SIGNS = /** @type {Record<string, string>} */ ({ " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" });

/** All that keys do in the wall. The list that `?` shows is drawn from it. */
export class Keys {
  /** @type {(Binding & {group: string})[]} */
  #bindings = [];

  /**
   * @param {string} group under which they are listed
   * @param {...Binding} bindings a later one of the same key is asked first
   */
  add(group, ...bindings) {
    this.#bindings.push(...bindings.map((binding) => ({ ...binding, group })));
  }

  /**
   * Do what a key means here.
   *
   * @param {KeyboardEvent} event
   * @param {"wall" | "stage"} here
   * @returns {boolean} whether it means anything
   */
  press(event, here) {
    for (const key of meaningsOf(event)) {
      const pressed = { key, target: event.target };
      const found = this.#bindings.findLast(({ keys, scope = here, when }) => keys.includes(key) && scope === here && (when?.(pressed) ?? true));
      if (!found) continue;
      found.act(pressed);
      return true;
    }
    return false;
  }

  /** @returns {[string, [string, string][]][]} groups by name, in each the keys as a person reads them, and what they do */
  get groups() {
    /** @type {Map<string, [string, string][]>} */
    const found = new Map();
    for (const { group, keys, shown, does } of this.#bindings.filter((binding) => binding.does))
      found.set(group, [...(found.get(group) ?? []), [shown ?? keys.map((key) => SIGNS[key] ?? spelled(key)).join(" "), does]]);
    return [...found];
  }
}

/** What keys type on a US layout, of those whose letters other scripts take. */
const SIGN_KEYS = /** @type {Record<string, [string, string]>} */ ({
  BracketLeft: ["[", "{"], BracketRight: ["]", "}"], Backslash: ["\\", "|"], Comma: [",", "<"], Period: [".", ">"], Slash: ["/", "?"],
});

/**
 * Say what a key may mean: what it types, and where that is no Latin letter, what stands there on a US layout.
 * With AltGr, or Option on a Mac, only a sign that is typed so counts: `[` on a German layout.
 *
 * @param {KeyboardEvent} event
 * @returns {string[]} the likeliest first, letters in lower case
 */
export function meaningsOf(event) {
  const { key, code = "", shiftKey, ctrlKey, altKey, metaKey, isComposing } = event;
  // Windows holds Ctrl and Alt down for AltGr
  const graph = ctrlKey === altKey && (event.getModifierState?.("AltGraph") ?? false);
  if (isComposing || metaKey || (ctrlKey && !graph)) return [];
  if (graph || altKey) return /^[!-/:-@[-`{-~]$/.test(key) ? [key] : [];
  if (key.length !== 1) return [key];
  const place = standsAt(key, code, shiftKey);
  return [key.toLowerCase(), ...(place ? [place] : [])];
}

/** @param {string} key @param {string} code @param {boolean} shift @returns {string | undefined} what stands there on a US layout, where that counts */
function standsAt(key, code, shift) {
  const [, letter, digit] = /^(?:Key([A-Z])|Digit(\d))$/.exec(code) ?? [];
  if (digit) return shift || /[a-z0-9]/i.test(key) ? undefined : digit;
  if (!/(?!\p{Script=Latin})\p{L}/u.test(key)) return undefined;
  return letter?.toLowerCase() ?? SIGN_KEYS[code]?.[shift ? 1 : 0];
}

/** @param {string} key */
function spelled(key) {
  return key.length === 1 ? key.toUpperCase() : key;
}
