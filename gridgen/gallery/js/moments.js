/**
 * @typedef {{at: number, text: string}} Moment a note on a clip at a moment, in seconds
 */

/** As Python reads it: minutes, seconds with a decimal point, and what is said. */
const LINE = /^([0-9]{1,3}):([0-5][0-9]\.[0-9]{1,3}) +([^ \n][^\n]*)$/;
/** Of several reviewers each note begins with its author's name. */
const AUTHOR = /^[^\n]{1,60}?: (?=[0-9]{1,3}:[0-5][0-9]\.)/;

/**
 * Take a note apart into what it says of the whole clip and of its moments.
 *
 * @param {string} note
 * @returns {{whole: string, moments: Moment[]}} moments in their order
 */
export function readMoments(note) {
  const lines = note.split("\n");
  const moments = lines.flatMap((line) => {
    const [, minutes, seconds, text] = LINE.exec(line.trim()) ?? [];
    return text ? [{ at: 60 * Number(minutes) + Number(seconds), text: text.trim() }] : [];
  });
  return { whole: lines.filter((line) => !LINE.test(line.trim())).join("\n").trim(), moments: moments.sort((a, b) => a.at - b.at) };
}

/**
 * @param {number} at seconds
 * @returns {string} such as 0:02.4; to a hundredth, so that it names one frame
 */
export function spellMoment(at) {
  const hundredths = Math.round(at * 100);
  const [seconds, part] = ((hundredths % 6000) / 100).toFixed(2).replace(/0$/, "").split(".");
  return `${Math.floor(hundredths / 6000)}:${seconds.padStart(2, "0")}.${part}`;
}

/**
 * @param {string} note
 * @param {Moment} moment
 * @returns {string} the note with one more moment
 */
export function addMoment(note, moment) {
  const { whole } = readMoments(note);
  const lines = [...note.split("\n").map((line) => line.trim()).filter((line) => LINE.test(line)), `${spellMoment(moment.at)} ${moment.text}`];
  const at = (/** @type {string} */ line) => readMoments(line).moments[0].at;
  return [...(whole ? [whole] : []), ...lines.sort((a, b) => at(a) - at(b))].join("\n");
}

/**
 * @param {import("./store.js").Tile} tile
 * @returns {Moment[]} what the person and all reviewers say of its moments, each once
 */
export function momentsOf({ said, note }) {
  const all = (note ?? "").split("\n").map((line) => line.replace(AUTHOR, "")).join("\n");
  const found = [said?.note ?? "", all].flatMap((each) => (each ? readMoments(each).moments : []));
  return [...new Map(found.map((moment) => [`${moment.at} ${moment.text}`, moment])).values()];
}
