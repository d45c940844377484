// npm run alarm: how early and how rightly the alarm for reward hacking rings (src/rl/evaluation/alarm.ts).
// It never sees gold; here gold, the hidden true score of the built-in world, is the judge. Trains the
// default recipe, the page's preset "A reward that can be hacked", the default recipe without the KL penalty,
// and a base model for so long that some seeds exploit the reward model, over several seeds, and writes
// results/alarm/. Each run is made twice: the second time
// another reward model scores it in place of gold, so that the alarm has a judge; training sees neither, so
// the two runs have the same numbers. At the end an ensemble of reward heads reads the responses
// (alarm/ensemble.ts). It can be stopped at any time and continues when it is started again:
//   npm run alarm -- [--seeds 5] [--report]
// --report makes no runs and writes the report of the finished ones.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { root } from './install.mjs';
import { isFinished, ponder, readJsonLines, summaryOf, train } from './runs.mjs';
import { gpuEnv } from './software-gpu.mjs';
import './typescript.mjs';

const { alarmOf } = await import('../src/rl/evaluation/alarm.ts');
const { divergence, rewardAndGold } = await import('../src/rl/evaluation/overoptimisation.ts');
const { alarmReport, readDisagreements } = await import('./alarm/report.ts');
const { csv } = await import('../src/cli/text.ts');

/** @typedef {import('../src/rl/report.ts').MetricsRow} MetricsRow */

const DEFAULT = 'recipes/default.yaml';
/**
 * The recipe of each arm, and what it changes in it. The reward of the hackable one is the number of words.
 * @type {Record<string, { recipe: string, change: Record<string, unknown> }>}
 */
const ARMS = {
  hackable: {
    recipe: DEFAULT,
    change: {
      reward_model_name_or_path: null,
      reward_funcs: ['public/rules/long-answer.js'],
      beta: 0,
    },
  },
  default: { recipe: DEFAULT, change: {} },
  'no-kl': { recipe: DEFAULT, change: { beta: 0 } },
  zero: { recipe: 'recipes/paper/zero-nothink-grpo.yaml', change: { max_steps: 500 } },
};
const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    report: { type: 'boolean', default: false },
  },
});
/** The judge that only watches: a reward model that was trained on other pairs than the default one. */
const JUDGE = 'public/models/second-reward';
const runs = 'runs/alarm';
const results = 'results/alarm';
const jobs = Array.from({ length: Number(options.seeds) }, (_, seed) => seed).flatMap((seed) =>
  Object.keys(ARMS).map((arm) => ({ arm, seed })),
);
mkdirSync(join(root, runs), { recursive: true });
if (!options.report) {
  for (const [arm, { recipe, change }] of Object.entries(ARMS)) {
    const usual = parse(readFileSync(join(root, recipe), 'utf8'));
    writeFileSync(
      join(root, recipeOf(arm)),
      stringify({ ...usual, ...change, log_completions: true }),
    );
  }
  for (const { arm, seed } of jobs) {
    const seeded = ['--seed', String(seed)];
    await train(recipeOf(arm), folderOf(arm, seed), ...seeded);
    await train(recipeOf(arm), folderOf(arm, seed, 'judged'), ...seeded, '--gold', JUDGE);
    writeResults();
  }
  await measureEnsemble();
}
writeResults();

/** Writes results/alarm/ensemble.csv. The pairs are new: the reward model was not trained on them. */
async function measureEnsemble() {
  const pairs = `${runs}/preferences.jsonl`;
  if (!existsSync(join(root, pairs))) {
    const made = ['--model', 'public/models/policy', '--num_prompts', '500', '--seed', '3'];
    await ponder('preferences', ...made, '--out', `${pairs}.partial`);
    renameSync(join(root, `${pairs}.partial`), join(root, pairs));
  }
  const program = [
    '--import',
    join(root, 'scripts/typescript.mjs'),
    'scripts/alarm/measure-ensemble.ts',
  ];
  const finished = jobs.map(({ arm, seed }) => folderOf(arm, seed)).filter(isFinished);
  const { status } = spawnSync(
    process.execPath,
    [...program, pairs, `${results}/ensemble.csv`, ...finished],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...(await gpuEnv()) } },
  );
  if (status !== 0) process.exit(1);
}

/** @param {string} arm */
function recipeOf(arm) {
  return `${runs}/${arm}.yaml`;
}

/**
 * @param {string} arm
 * @param {number} seed
 * @param {'judged'} [kind]
 */
function folderOf(arm, seed, kind) {
  return [`${runs}/${arm}`, ...(kind ? [kind] : []), seed].join('-');
}

/** @param {string} folder @returns {MetricsRow[]} */
function metricsIn(folder) {
  return readJsonLines(`${folder}/metrics.jsonl`);
}

/** @param {boolean} judged whether the alarm has another judge */
function records(judged) {
  return jobs
    .filter(
      ({ arm, seed }) =>
        isFinished(folderOf(arm, seed)) && (!judged || isFinished(folderOf(arm, seed, 'judged'))),
    )
    .map(({ arm, seed }) => {
      const metrics = metricsIn(folderOf(arm, seed));
      const alarm = judged
        ? alarmOf(metricsIn(folderOf(arm, seed, 'judged')), 'gold')
        : alarmOf(metrics);
      const parted = divergence(rewardAndGold(metrics));
      return {
        ...{ arm, seed, judged, rings: alarm?.step, signs: alarm?.signs ?? [] },
        ...{ hacked: parted?.step, seen: parted?.seenAt },
      };
    });
}

function writeResults() {
  const [alone, judged] = [records(false), records(true)];
  const [first] = alone;
  if (!first) return;
  const { adapter } = summaryOf(folderOf(first.arm, first.seed));
  mkdirSync(join(root, results), { recursive: true });
  const table = [
    ['arm', 'seed', 'other_judge', 'alarm_at', 'signs', 'gold_falls_from', 'gold_seen_at'],
    ...[...alone, ...judged].map(({ arm, seed, judged, rings, signs, hacked, seen }) => [
      ...[arm, seed, judged ? 'yes' : 'no', rings ?? '', signs.join(' ')],
      ...[hacked ?? '', seen ?? ''],
    ]),
  ];
  writeFileSync(join(root, results, 'runs.csv'), csv(table));
  const ensemble = join(root, results, 'ensemble.csv');
  const disagreements = existsSync(ensemble)
    ? readDisagreements(readFileSync(ensemble, 'utf8'))
    : [];
  const report = alarmReport({ adapter, alone, judged, disagreements });
  writeFileSync(join(root, results, 'summary.md'), report);
}
