// What the runs of `npm run paper` will take: time and disk, from a run of two steps for each recipe. The
// first step compiles the kernels, so the second one is measured.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { readJsonLines, summaryOf, tryTrain } from '../runs.mjs';
import '../typescript.mjs';

const { formatBytes, formatDuration } = await import('../../src/app/format.ts');
const { parseRecipe } = await import('../../src/rl/recipe/recipe.ts');

/** @typedef {import('../../src/rl/report.ts').MetricsRow} MetricsRow */

/**
 * "About 9 h 20 min and 310 MB of disk for 60 runs, on SwiftShader …; evaluations come on top."
 * @param {string} folder that the measured runs are written to, and removed from
 * @param {{ recipe: string, steps: number | undefined }[]} runs that are to be made
 * @returns {Promise<string>}
 */
export async function estimateOf(folder, runs) {
  /** @type {Map<string, { perStep: number, checkpoint: number, rows: number }>} */
  const measured = new Map();
  let adapter = '';
  for (const recipe of new Set(runs.map((run) => run.recipe))) {
    const out = join(folder, recipe.replace(/\W+/g, '-'));
    const once = ['--max_steps', '2', '--save_steps', '2', '--eval_strategy', 'no'];
    if (!(await tryTrain(recipe, out, ...once))) continue;
    /** @type {MetricsRow[]} */
    const rows = readJsonLines(join(out, 'metrics.jsonl'));
    const [checkpoint, all] = [bytesOf(join(root, out, 'checkpoints')), bytesOf(join(root, out))];
    measured.set(recipe, {
      ...{ perStep: rows.at(-1)?.step_time ?? 0, checkpoint },
      rows: (all - checkpoint) / rows.length,
    });
    adapter = summaryOf(out).adapter;
  }
  rmSync(join(root, folder), { recursive: true, force: true });
  const known = runs.flatMap((run) => {
    const one = measured.get(run.recipe);
    return one ? [{ ...run, ...one }] : [];
  });
  let [seconds, bytes] = [0, 0];
  for (const { recipe, steps, perStep, checkpoint, rows } of known) {
    const { max_steps, save_steps } = parseRecipe(
      readFileSync(join(root, recipe), 'utf8'),
      recipe,
    ).recipe;
    const count = steps ?? max_steps;
    seconds += count * perStep;
    bytes += count * rows + Math.ceil(count / save_steps) * checkpoint;
  }
  return (
    `About ${formatDuration(seconds)} of training and ${formatBytes(bytes)} of disk for ` +
    `${known.length} ${known.length === 1 ? 'run' : 'runs'}, by one measured step of each recipe, on ${adapter || 'this machine'}. ` +
    'The evaluations come on top.'
  );
}

/**
 * @param {string} path
 * @returns {number}
 */
function bytesOf(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}
