/**
 * The thread that runs one program: Pyodide in a bare V8 context. It says "ready", takes one task, and
 * answers with its verdicts.
 */
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { parentPort } from 'node:worker_threads';

const [pyodideFolder, memoryBytes] = process.argv.slice(2);
/**
 * @typedef {object} Inside what context.js gives
 * @property {(name: string, latin1: string) => void} addFile
 * @property {(loadPyodide: unknown, createPyodideModule: unknown, graderSource: string,
 *   memoryBytes: number) => Promise<(task: string) => string>} start
 */

/** @type {object} An object without Object's constructor. */
const globals = Object.create(null);
const context = vm.createContext(globals, {
  codeGeneration: { strings: false, wasm: true },
});

/** @param {string} name of a file beside this one */
const own = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
/** @type {Inside} */
const inside = vm.runInContext(own('context.js'), context);

/**
 * A file of Pyodide as a module of the context, without imports.
 * @param {string} name
 * @returns {Promise<Record<string, unknown>>} its exports
 */
async function evaluated(name) {
  const url = `file:///${name}`;
  const module = new vm.SourceTextModule(readFileSync(`${pyodideFolder}/${name}`, 'utf8'), {
    context,
    identifier: url,
    initializeImportMeta: (meta) => {
      meta.url = url;
    },
  });
  await module.link(() => {
    throw new Error(`${name} imports a module`);
  });
  await module.evaluate();
  return /** @type {Record<string, unknown>} */ (module.namespace);
}

for (const name of ['pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json']) {
  inside.addFile(name, readFileSync(`${pyodideFolder}/${name}`, 'latin1'));
}
const { loadPyodide } = await evaluated('pyodide.mjs');
const { default: createPyodideModule } = await evaluated('pyodide.asm.mjs');
const grade = await inside.start(
  loadPyodide,
  createPyodideModule,
  own('grade.py'),
  Number(memoryBytes),
);
parentPort?.once('message', (/** @type {string} */ task) => parentPort?.postMessage(grade(task)));
parentPort?.postMessage('ready');
