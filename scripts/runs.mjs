// What the long jobs share: the command line in a process of its own, and runs and judgements that
// are made once. A job can be ended at any moment, and goes on when it is started again.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

/** @typedef {import('../src/rl/evaluate.ts').Evaluated} Evaluated */

/**
 * Runs one command to its end and says whether it succeeded. A signal is passed on, and ends the job
 * once the command has ended.
 * @param {string[]} args
 * @returns {Promise<boolean>}
 */
export async function tryPonder(...args) {
  console.log(`== ponder ${args.join(' ')}`);
  const child = spawn(process.execPath, [join(root, 'scripts', 'ponder.mjs'), ...args], {
    cwd: root,
    // What it prints is in files as well; progress and errors go to standard error.
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  const job = { ending: false };
  // A terminal's Ctrl-C reaches the command by itself.
  const interrupted = () => (job.ending = true);
  const terminated = () => {
    job.ending = true;
    child.kill('SIGTERM');
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', terminated);
  /** @type {number | null} */
  const code = await new Promise((resolve) => child.on('exit', resolve));
  process.off('SIGINT', interrupted);
  process.off('SIGTERM', terminated);
  if (job.ending) process.exit(1);
  return code === 0;
}

/**
 * Runs one command to its end; a failed one ends the job.
 * @param {string[]} args
 */
export async function ponder(...args) {
  if (!(await tryPonder(...args))) process.exit(1);
}

/**
 * Trains into a folder, unless that is done; goes on from the last checkpoint if it was begun.
 * Returns whether the run is finished.
 * @param {string} recipe
 * @param {string} out
 * @param {string[]} overrides
 */
export async function tryTrain(recipe, out, ...overrides) {
  if (isFinished(out)) return true;
  const begun = hasCheckpoint(out);
  if (!begun) rmSync(join(root, out), { recursive: true, force: true });
  const resume = begun ? ['--resume'] : [];
  return tryPonder('train', recipe, '--out', out, ...overrides, ...resume);
}

/**
 * The same where the job cannot go on without it.
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

/**
 * A checkpoint counts once its trainer_state.json is there, which is written last.
 * @param {string} out
 */
function hasCheckpoint(out) {
  const folder = join(root, out, 'checkpoints');
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((step) => existsSync(join(folder, step, 'trainer_state.json')));
}

/** @param {string} out */
export function summaryOf(out) {
  /** @type {{ steps: number, adapter: string }} */
  const summary = JSON.parse(readFileSync(join(root, out, 'summary.json'), 'utf8'));
  return summary;
}

/**
 * The model that a finished run ended with.
 * @param {string} out
 */
export function finalCheckpoint(out) {
  return join(out, 'checkpoints', `step-${summaryOf(out).steps}`);
}

/**
 * Judges a model once, into a JSONL file; undefined when that failed.
 * @param {string} out
 * @param {string[]} args of `ponder eval`
 * @returns {Promise<Evaluated[] | undefined>}
 */
export async function judgeOnce(out, ...args) {
  if (!existsSync(join(root, out))) {
    // A job that ends while this is written leaves no file that looks whole.
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
