// npm run paper: the RLMT paper in miniature. Every start (warm, zero) with and without a thought, with
// every algorithm, over several seeds, from recipes/paper/; each run is judged once on held-out prompts;
// writes results/paper/. It takes hours on two cores. It can be stopped at any time and continues when it
// is started again, and it says beforehand what it will take. It runs on a graphics card, else on the Vulkan
// driver of VK_ICD_FILENAMES (such as Mesa's lavapipe), else on SwiftShader, and says on which. In parts:
//   npm run paper -- [--seeds 5] [--steps N] [--only warm,grpo] [--ablations] [--report]
// --only makes the runs that have all of these words in their name (warm, zero, think, nothink, grpo,
// ppo, dpo); --steps makes shorter runs in their own folders (results/paper-N-steps); --ablations adds
// reward models, prompt mixes, PPO with as many updates as GRPO, RLVR, and longer runs from zero; --report
// makes no runs and writes the report of the finished ones.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './install.mjs';
import {
  finalCheckpoint,
  isFinished,
  judgeOnce,
  readJsonLines,
  summaryOf,
  tryTrain,
} from './runs.mjs';
import { ablations, prepareAblations } from './paper-ablations.mjs';
import { estimateOf } from './paper/estimate.mjs';
import './typescript.mjs';

const { csv } = await import('../src/cli/text.ts');
const { trainingCost } = await import('../src/rl/evaluation/analysis.ts');
const { ablationTable, finalTable, paperReport } = await import('./paper/report.ts');
const { ALGORITHMS, ARMS, INDEPENDENT, REWARD, STARTS } = await import('./paper/runs.ts');
const { formatDuration } = await import('../src/app/format.ts');
const { parseRecipe } = await import('../src/rl/recipe/recipe.ts');

/** @typedef {import('./paper/runs.ts').PaperRun} PaperRun */
/** @typedef {import('./paper/runs.ts').StartRun} StartRun */
/** @typedef {import('../src/rl/report.ts').MetricsRow} MetricsRow */
/**
 * @typedef {Pick<PaperRun, 'start' | 'arm' | 'algorithm' | 'seed' | 'variant'> & {
 *   recipe?: string, overrides: string[], times?: number }} Job
 * `times` as many steps as the recipe has, or --steps says.
 */

const HELD_OUT_PROMPTS = '1024';
const DEFAULT_SEEDS = 5;
const options = readOptions();
const name = options.steps === undefined ? 'paper' : `paper-${options.steps}-steps`;
const runs = join('runs', name);
const results = join('results', name);

const jobs = [...mainJobs(options.words), ...(options.ablations ? ablationJobs() : [])];
if (!options.reportOnly) {
  checkModels();
  mkdirSync(join(root, runs), { recursive: true });
  if (options.ablations) await prepareAblations(runs);
  await sayWhatItTakes();
  await judgeStarts();
  for (const [index, job] of jobs.entries()) {
    if (!isFinished(folderOf(job))) console.log(`\n${progressOf(index)}`);
    const recipe = job.recipe ?? recipeOf(job);
    const made = await tryTrain(recipe, folderOf(job), ...overridesOf(job));
    if (made) await judgeRun(job);
    else console.log(`${nameOf(job)} failed (see above); the report will show it as not run.`);
  }
}
writeReport();

function readOptions() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: String(DEFAULT_SEEDS) },
      steps: { type: 'string' },
      only: { type: 'string', default: '' },
      ablations: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
    },
  });
  const words = values.only.split(',').filter(Boolean);
  const known = [...STARTS, ...ARMS, ...ALGORITHMS];
  for (const word of words) {
    if (!(/** @type {string[]} */ (known).includes(word))) {
      fail(`--only has ${word}; it takes ${known.join(', ')}, separated by commas`);
    }
  }
  for (const [name, value] of Object.entries({ seeds: values.seeds, steps: values.steps })) {
    if (value !== undefined && !/^[1-9]\d*$/.test(value)) {
      fail(`--${name} is ${value}; it must be a whole number of at least 1`);
    }
  }
  return {
    seeds: Array.from({ length: Number(values.seeds) }, (_, seed) => seed),
    steps: values.steps,
    words,
    ablations: values.ablations,
    reportOnly: values.report,
  };
}

/**
 * @param {string} problem
 * @returns {never}
 */
function fail(problem) {
  console.error(`paper: ${problem}`);
  process.exit(1);
}

/**
 * Seed by seed, so that a job that was stopped early has some runs of every kind.
 * @param {string[]} words that a name must have
 */
function mainJobs(words) {
  const all = options.seeds.flatMap((seed) =>
    STARTS.flatMap((start) =>
      ALGORITHMS.flatMap((algorithm) =>
        ARMS.map((arm) => /** @type {Job} */ ({ start, arm, algorithm, seed, overrides: [] })),
      ),
    ),
  );
  return all.filter(({ start, arm, algorithm }) => hasWords([start, arm, algorithm], words));
}

/** @returns {Job[]} */
function ablationJobs() {
  return options.seeds.flatMap((seed) => ablations(runs).map((one) => ({ ...one, seed })));
}

/**
 * @param {string[]} name
 * @param {string[]} words
 */
function hasWords(name, words) {
  return words.every((word) => name.includes(word));
}

/** @param {Job} job */
function nameOf({ start, arm, algorithm, seed, variant }) {
  return [start, arm, algorithm, ...(variant === undefined ? [] : [variant]), seed].join('-');
}

/** @param {Job} job */
function folderOf(job) {
  return join(runs, nameOf(job));
}

/** @param {Pick<Job, 'start' | 'arm' | 'algorithm'>} job */
function recipeOf({ start, arm, algorithm }) {
  return `recipes/paper/${start}-${arm}-${algorithm}.yaml`;
}

/** @param {Job} job */
function overridesOf(job) {
  const steps = stepsOf(job);
  const limited = steps === undefined ? [] : ['--max_steps', String(steps)];
  return ['--seed', String(job.seed), ...limited, ...job.overrides];
}

/** The steps of a run that has not as many as its recipe. @param {Job} job */
function stepsOf(job) {
  const { times = 1 } = job;
  if (options.steps === undefined && times === 1) return undefined;
  return times * Number(options.steps ?? readRecipe(job).max_steps);
}

/** @param {Pick<Job, 'start' | 'arm' | 'algorithm'>} job */
function readRecipe(job) {
  const path = recipeOf(job);
  if (!existsSync(join(root, path))) fail(`${path} is missing`);
  return parseRecipe(readFileSync(join(root, path), 'utf8'), path).recipe;
}

/** Checked at the start, so that a job does not fail after hours. */
function checkModels() {
  for (const job of jobs) {
    const path = String(readRecipe(job).model_name_or_path);
    if (!existsSync(join(root, path))) {
      fail(
        `${path} is missing; make it with npm run build:default, or leave its runs out with --only`,
      );
    }
  }
}

/** Printed before the first run; a job that continues has its own runs to go by. */
async function sayWhatItTakes() {
  const left = jobs.filter((job) => !isFinished(folderOf(job)));
  if (left.length < jobs.length || left.length === 0) return;
  const made = left.map((job) => ({ recipe: job.recipe ?? recipeOf(job), steps: stepsOf(job) }));
  console.log(`\n${await estimateOf(join(runs, 'measured'), made)}\n`);
}

/** Judges each start before any reinforcement learning. */
async function judgeStarts() {
  for (const start of STARTS) {
    for (const arm of ARMS) {
      // Every win rate is against the warm start without a thought.
      const isBaseline = start === 'warm' && arm === 'nothink';
      const words = options.words.filter((word) => !ALGORITHMS.some((name) => name === word));
      if (!isBaseline && !hasWords([start, arm], words)) continue;
      const job = /** @type {const} */ ({ start, arm, algorithm: 'grpo' });
      await judge(startFile(start, arm), job, String(readRecipe(job).model_name_or_path));
    }
  }
}

/** @param {Job['start']} start @param {Job['arm']} arm */
function startFile(start, arm) {
  return join(runs, `start-${start}-${arm}.jsonl`);
}

/** @param {Job} job */
async function judgeRun(job) {
  await judge(`${folderOf(job)}.jsonl`, job, finalCheckpoint(folderOf(job)));
}

/**
 * One sampled completion for each of the same held-out prompts, once.
 * @param {string} out
 * @param {Pick<Job, 'start' | 'arm' | 'algorithm'>} job
 * @param {string} model
 */
async function judge(out, job, model) {
  const recipe = readRecipe(job);
  await judgeOnce(
    out,
    ...[
      '--model',
      model,
      '--world',
      'meal-planner',
      '--split',
      'held-out',
      '--num_prompts',
      HELD_OUT_PROMPTS,
    ],
    ...['--thinking', String(recipe.thinking), '--malformed', recipe.malformed],
    ...['--max_completion_length', String(recipe.max_completion_length)],
    ...['--temperature', String(recipe.temperature)],
    ...['--reward_models', [REWARD, INDEPENDENT].map((name) => `public/models/${name}`).join()],
  );
}

/** "12 of 60: warm-think-grpo-0, about 2 h 10 min left". @param {number} index */
function progressOf(index) {
  const done = jobs.filter((job) => isFinished(folderOf(job)));
  /** @param {Job[]} some */
  const meanSeconds = (some) =>
    some.reduce((sum, job) => sum + costOf(job).seconds, 0) / some.length;
  const left = jobs.slice(index).filter((job) => !isFinished(folderOf(job)));
  const seconds = left.reduce((sum, job) => {
    const alike = done.filter(
      (one) => one.arm === job.arm && one.algorithm === job.algorithm && one.start === job.start,
    );
    return sum + meanSeconds(alike.length > 0 ? alike : done);
  }, 0);
  const time = done.length > 0 ? `about ${formatDuration(seconds)} of training left` : 'the first';
  return `${index + 1} of ${jobs.length}: ${nameOf(/** @type {Job} */ (jobs[index]))}, ${time}`;
}

/** @param {Job} job */
function costOf(job) {
  const metrics = /** @type {MetricsRow[]} */ (readJsonLines(join(folderOf(job), 'metrics.jsonl')));
  const recipe = readRecipe(job);
  const perStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  return trainingCost(metrics, perStep);
}

function writeReport() {
  /** @type {PaperRun[]} */
  const made = allJobs().flatMap((job) => {
    const file = `${folderOf(job)}.jsonl`;
    if (!isFinished(folderOf(job)) || !existsSync(join(root, file))) return [];
    const { seconds, generated_tokens: tokens = 0 } = costOf(job);
    const { steps } = summaryOf(folderOf(job));
    const { start, arm, algorithm, seed, variant } = job;
    return [
      {
        ...{ start, arm, algorithm, seed, steps, tokens, seconds, rows: readJsonLines(file) },
        ...(variant !== undefined && { variant }),
      },
    ];
  });
  /** @type {StartRun[]} */
  const starts = STARTS.flatMap((start) =>
    ARMS.flatMap((arm) => {
      const file = startFile(start, arm);
      return existsSync(join(root, file)) ? [{ start, arm, rows: readJsonLines(file) }] : [];
    }),
  );
  if (made.length === 0 && starts.length === 0) {
    // An empty report would replace one that was made elsewhere.
    fail(`there is no finished run in ${runs} to report; leave --report out to make the runs`);
  }
  const [finished] = allJobs().filter((job) => isFinished(folderOf(job)));
  const paper = {
    ...{ runs: made, starts, seeds: options.seeds, command: commandFor(made) },
    adapter: finished ? summaryOf(folderOf(finished)).adapter : 'no machine yet',
  };
  mkdirSync(join(root, results), { recursive: true });
  writeFileSync(join(root, results, 'final.csv'), csv(finalTable(paper)));
  writeFileSync(join(root, results, 'ablations.csv'), csv(ablationTable(paper)));
  writeFileSync(join(root, results, 'README.md'), paperReport(paper));
  console.log(`${results}: ${made.length} runs in the report`);
}

/** The command that makes these runs. @param {PaperRun[]} made */
function commandFor(made) {
  const { seeds, steps } = options;
  const given = [
    ...(seeds.length === DEFAULT_SEEDS ? [] : [`--seeds ${seeds.length}`]),
    ...(steps === undefined ? [] : [`--steps ${steps}`]),
    ...(made.some(({ variant }) => variant !== undefined) ? ['--ablations'] : []),
  ];
  return ['npm run paper', ...(given.length > 0 ? ['--', ...given] : [])].join(' ');
}

/** All jobs that may have been run before, even if this time only a part is run. */
function allJobs() {
  return [...mainJobs([]), ...ablationJobs()];
}
