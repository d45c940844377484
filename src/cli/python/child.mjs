/**
 * The process that runs one program (src/cli/python/sandbox.ts starts it with few permissions): it passes
 * messages between the sandbox and the thread with Python. The thread is there for its stack: Python's
 * recursion goes as deep as on CPython only on a larger one than a process has.
 */
import { Worker } from 'node:worker_threads';

const STACK_MB = 64;

const python = new Worker(new URL('interpreter.mjs', import.meta.url), {
  argv: process.argv.slice(2),
  env: {},
  resourceLimits: { stackSizeMb: STACK_MB },
});
python.on('message', (message) => process.send?.(message));
python.on('error', () => process.exit(1));
python.on('exit', () => process.exit());
process.once('disconnect', () => process.exit());
process.once('message', (task) => python.postMessage(task));
