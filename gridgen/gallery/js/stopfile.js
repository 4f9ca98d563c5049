import { findFolder, pageOf, serverBase, tokenIn } from "./sources.js";

/**
 * @typedef {{folder: string, mark?: string | null, beside: string, file: string}} StopFile where an empty file of that
 *   name stops the sweep, the folder's mark, and a file that is in the same folder
 */

/** Milliseconds within which the engine finds the file, and between two looks whether it has. */
const TAKEN_WITHIN = 5000;
const GLANCE = 50;

/**
 * Stop a sweep whose kernel hears nothing, by a file that the Jupyter server writes beside the clips.
 *
 * @param {StopFile} stop
 * @param {string} notebook its path from the server's root, "" where only the page's address tells it
 * @param {() => boolean} isTaken whether the engine has found it
 * @param {() => boolean} isOver whether nobody waits for that any more
 * @returns {Promise<boolean>} whether the engine took it; if not, none is left
 */
export async function stopByFile({ folder, mark, beside, file }, notebook, isTaken, isOver) {
  const base = serverBase();
  const place = base && (await findFolder(await pageOf(notebook, base), base, folder, { file: beside, mark }));
  if (!place || isOver()) return false;
  const path = [...place, file];
  const isWritten = await contents("PUT", base, path, { type: "file", format: "text", content: "" });
  if (!isWritten && !isTaken()) return false;
  const last = performance.now() + TAKEN_WITHIN;
  while (!isTaken() && !isOver() && performance.now() < last) await new Promise((look) => setTimeout(look, GLANCE));
  if (!isTaken()) await contents("DELETE", base, path);
  return isTaken();
}

/**
 * @param {string} method
 * @param {string} base
 * @param {string[]} path
 * @param {object} [model]
 * @returns {Promise<boolean>} whether the server did it
 */
async function contents(method, base, path, model) {
  const headers = { "Content-Type": "application/json", "X-XSRFToken": tokenIn(document.cookie) };
  const address = `${base}api/contents/${path.map(encodeURIComponent).join("/")}`;
  try {
    return (await fetch(address, { method, headers, body: model && JSON.stringify(model), redirect: "error" })).ok;
  } catch {
    return false;
  }
}
