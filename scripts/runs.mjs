// Shared by the long jobs: commands in their own process, and runs and evaluations that are made once. A
// job can be stopped at any time, and continues when it is started again.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

/** @typedef {import('../src/rl/evaluation/evaluate.ts').Evaluated} Evaluated */

/**
 * The process that runs the commands; the first command opens it.
 * @type {import('node:child_process').ChildProcess | undefined}
 */
let commands;

async function openCommands() {
  const child = spawn(
    process.execPath,
    [...['--import', join(root, 'scripts', 'typescript.mjs')], join(root, 'src', 'cli', 'job.ts')],
    {
      cwd: root,
      env: { ...process.env, ...(await gpuEnv()) },
      stdio: ['inherit', 'ignore', 'inherit', 'ipc'],
    },
  );
  // The job ends with this process (Ctrl-C or a crash); saved files are complete at any time.
  child.on('exit', (code) => process.exit(code ?? 1));
  process.on('SIGINT', () => child.kill());
  process.on('SIGTERM', () => child.kill());
  return child;
}

/**
 * Runs one command to its end and returns whether it succeeded.
 * @param {string[]} args
 * @returns {Promise<boolean>}
 */
export async function tryPonder(...args) {
  console.log(`== ponder ${args.join(' ')}`);
  commands ??= await openCommands();
  const child = commands;
  child.ref();
  child.channel?.ref();
  /** @type {boolean} */
  const succeeded = await new Promise((resolve) => {
    child.once('message', (message) => resolve(message === true));
    child.send(args);
  });
  // Lets a job end that has no more commands.
  child.unref();
  child.channel?.unref();
  return succeeded;
}

/**
 * Runs one command to its end; a failure ends the job.
 * @param {string[]} args
 */
export async function ponder(...args) {
  if (!(await tryPonder(...args))) process.exit(1);
}

/**
 * Trains into a folder, unless that is done already; goes on from the last checkpoint if there is one.
 * Returns whether the run is finished.
 * @param {string} recipe
 * @param {string} out
 * @param {string[]} overrides
 */
export async function tryTrain(recipe, out, ...overrides) {
  if (isFinished(out)) return true;
  return tryPonder('train', recipe, '--out', out, ...overrides, '--resume');
}

/**
 * The same, but a failure ends the job.
 * @param {string} recipe
 * @param {string} out
 * @param {string[]} overrides
 */
export async function train(recipe, out, ...overrides) {
  if (!(await tryTrain(recipe, out, ...overrides))) process.exit(1);
}

/** @param {string} out */
export function isFinished(out) {
  return existsSync(join(root, out, 'summary.json'));
}

/** @param {string} out */
export function summaryOf(out) {
  /** @type {{ steps: number, adapter: string }} */
  const summary = JSON.parse(readFileSync(join(root, out, 'summary.json'), 'utf8'));
  return summary;
}

/**
 * The last checkpoint of a finished run.
 * @param {string} out
 */
export function finalCheckpoint(out) {
  return join(out, 'checkpoints', `step-${summaryOf(out).steps}`);
}

/**
 * Judges a model once, into a JSONL file; undefined if that failed.
 * @param {string} out
 * @param {string[]} args of `ponder eval`
 * @returns {Promise<Evaluated[] | undefined>}
 */
export async function judgeOnce(out, ...args) {
  if (!existsSync(join(root, out))) {
    // If the job ends while this is written, no file looks complete.
    if (!(await tryPonder('eval', ...args, '--out', `${out}.partial`))) return undefined;
    renameSync(join(root, `${out}.partial`), join(root, out));
  }
  return readJsonLines(out);
}

/**
 * @template T
 * @param {string} file
 * @returns {T[]}
 */
export function readJsonLines(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    /** @type {T} */
    const row = JSON.parse(line);
    return row;
  });
}
