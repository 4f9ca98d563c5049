// Runs Python from the standard input in pyodide: node pyodide.mjs INTERPRETER [FOLDER PLACE]...
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [interpreter, ...mounts] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${interpreter}/pyodide.mjs`).href);
const python = await loadPyodide({ indexURL: interpreter, stdout: console.log, stderr: console.error });
for (let at = 0; at < mounts.length; at += 2) {
  python.FS.mkdirTree(mounts[at + 1]);
  python.mountNodeFS(mounts[at + 1], mounts[at]);
}
try {
  await python.runPythonAsync(readFileSync(0, "utf8"));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
