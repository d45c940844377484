// npm run first-light: does thinking help? GRPO with and without a thought from the same warm start,
// over several seeds, each judged once on held-out prompts; writes results/first-light/. It needs the
// models of `npm run build:default`. It takes hours on two cores; if it is started again, it continues
// where it stopped.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { finalCheckpoint, judgeOnce, summaryOf, train } from './runs.mjs';
import './typescript.mjs';

const { mean } = await import('../src/rl/statistics.ts');
const { summarizeEvaluation } = await import('../src/rl/evaluation/evaluate.ts');
const { tInterval } = await import('../src/rl/evaluation/intervals.ts');
const { winRate } = await import('../src/rl/evaluation/win-rate.ts');

/** @typedef {import('../src/rl/evaluation/evaluate.ts').Evaluated} Evaluated */
/** @typedef {'think' | 'no-think'} Arm */

const SEEDS = [0, 1, 2, 3, 4];
/** @type {Arm[]} */
const ARMS = ['think', 'no-think'];
const LENGTH = { think: '76', 'no-think': '15' };
const results = 'results/first-light';
const runs = 'runs/first-light';
mkdirSync(join(root, runs), { recursive: true });
mkdirSync(join(root, results), { recursive: true });

for (const seed of SEEDS) {
  for (const arm of ARMS) {
    await train(
      'recipes/default.yaml',
      runOf(arm, seed),
      ...['--seed', String(seed), '--thinking', String(arm === 'think')],
      ...['--max_completion_length', LENGTH[arm]],
    );
  }
}

const start = {
  think: await judge('start-think', 'think'),
  'no-think': await judge('start-no-think', 'no-think'),
};
/** @type {{ arm: Arm, seed: number, steps: number, rows: Evaluated[] }[]} */
const finals = [];
for (const arm of ARMS) {
  for (const seed of SEEDS) {
    const { steps } = summaryOf(runOf(arm, seed));
    const rows = await judge(`${arm}-${seed}`, arm, finalCheckpoint(runOf(arm, seed)));
    finals.push({ arm, seed, steps, rows });
  }
}
writeFinal();
writeComparison();

/**
 * The run of the default recipe with seed 0 is the one that the page replays.
 * @param {Arm} arm
 * @param {number} seed
 */
function runOf(arm, seed) {
  return arm === 'think' && seed === 0 ? 'runs/default/think' : `${runs}/${arm}-${seed}`;
}

/**
 * One sampled completion for each of the same 1,024 held-out prompts.
 * @param {string} name
 * @param {Arm} arm
 * @returns {Promise<Evaluated[]>}
 */
async function judge(name, arm, model = 'public/models/policy') {
  const rows = await judgeOnce(
    join(runs, `${name}.jsonl`),
    ...[
      '--model',
      model,
      '--world',
      'meal-planner',
      '--split',
      'held-out',
      '--num_prompts',
      '1024',
    ],
    ...['--thinking', String(arm === 'think'), '--max_completion_length', LENGTH[arm]],
    ...['--reward_models', 'public/models/reward,public/models/second-reward'],
  );
  return rows ?? process.exit(1);
}

function writeFinal() {
  const header =
    'arm,seed,steps,reward,gold,gold_start,win_rate,mean_thought_length,mean_response_length,second_reward,second_reward_start,thought_truth';
  const lines = finals.map(({ arm, seed, steps, rows }) => {
    const means = summarizeEvaluation(rows);
    const before = summarizeEvaluation(start[arm]);
    // Against the warm start without a thought, judged by the reward model that no training used.
    const wins = winRate(column(rows, 'second-reward'), column(start['no-think'], 'second-reward'));
    const numbers = [
      ...[means['rewards/reward'], means.gold, before.gold, wins],
      ...[means.mean_thought_length, means.mean_response_length],
      ...[means['rewards/second-reward'], before['rewards/second-reward'], means.thought_truth],
    ];
    return [arm, seed, steps, ...numbers.map((x) => x?.toFixed(4) ?? '')].join(',');
  });
  writeFileSync(join(root, results, 'final.csv'), [header, ...lines, ''].join('\n'));
}

/** Thinking minus no thinking for each seed: means over the prompts, and the interval over seeds. */
function writeComparison() {
  const lines = ['measure,think,no_think,difference,low_95,high_95,win_rate,seeds'];
  for (const measure of ['gold', 'reward', 'second-reward']) {
    /** @param {Arm} arm @param {number} seed */
    const values = (arm, seed) =>
      column(finals.find((run) => run.arm === arm && run.seed === seed)?.rows ?? [], measure);
    const of = (/** @type {Arm} */ arm) => SEEDS.map((seed) => mean(values(arm, seed)));
    const [think, direct] = [of('think'), of('no-think')];
    const gap = tInterval(think.map((value, i) => value - (direct[i] ?? NaN)));
    const wins = SEEDS.map((seed) => winRate(values('think', seed), values('no-think', seed)));
    const numbers = [mean(think), mean(direct), gap.mean, gap.low, gap.high, mean(wins)];
    lines.push([measure, ...numbers.map((x) => x.toFixed(4)), SEEDS.length].join(','));
  }
  writeFileSync(join(root, results, 'comparison.csv'), [...lines, ''].join('\n'));
  console.log(lines.join('\n'));
}

/**
 * @param {Evaluated[]} rows
 * @param {string} measure
 */
function column(rows, measure) {
  return rows.map((row) => (measure === 'gold' ? row.gold : row.rewards[measure]) ?? NaN);
}
