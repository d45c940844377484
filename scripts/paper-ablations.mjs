// The ablations of `npm run paper -- --ablations`. From the warm start: other reward models and other mixes
// of prompts for GRPO with a thought, PPO with as many updates as GRPO, and a rule as the reward (RLVR).
// From zero: GRPO for five times as long. Their data and reward model are made here, once.
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { ponder, train } from './runs.mjs';
import './typescript.mjs';

const { Random } = await import('../src/rl/random.ts');
const { drawPrompts, promptText } = await import('../src/rl/world/prompts.ts');
const { ARMS } = await import('./paper/runs.ts');

/** The shipped reward model was trained for 1,000 steps. */
const UNDERTRAINED_STEPS = '30';

/** @typedef {import('../src/rl/world/prompts.ts').DinnerPrompt} DinnerPrompt */
/** @type {Record<string, { count: number, keeps: (prompt: DinnerPrompt) => boolean }>} */
const PROMPT_MIXES = {
  'one-diet': { count: 2048, keeps: ({ diet }) => diet === 'veggie' },
  'few-prompts': { count: 32, keeps: () => true },
};

/** @typedef {import('./paper/runs.ts').PaperRun} PaperRun */
/**
 * @typedef {Pick<PaperRun, 'start' | 'arm' | 'algorithm'> & {
 *   variant: string, recipe?: string, overrides: string[], times?: number }} Ablation
 */

/**
 * The changes of each ablation to the recipe of its arm, or the recipe that replaces it.
 * @param {string} runs
 * @returns {Ablation[]}
 */
export function ablations(runs) {
  const undertrained = join(rewardRun(runs), 'checkpoints', `step-${UNDERTRAINED_STEPS}`);
  /** @type {Record<string, string[]>} */
  const ofGrpo = {
    'undertrained-reward': ['--reward_model_name_or_path', undertrained],
    'second-reward': ['--reward_model_name_or_path', 'public/models/second-reward'],
    ...Object.fromEntries(
      Object.keys(PROMPT_MIXES).map((mix) => [
        mix,
        ['--world', 'null', '--datasets', dataset(join(runs, `${mix}.jsonl`))],
      ]),
    ),
  };
  const warm = /** @type {const} */ ({ start: 'warm', arm: 'think', algorithm: 'grpo' });
  const rlvr = { ...warm, variant: 'rlvr', recipe: 'recipes/paper/rlvr.yaml' };
  return [
    ...Object.entries(ofGrpo).map(([variant, overrides]) => ({ ...warm, variant, overrides })),
    { ...warm, algorithm: 'ppo', variant: 'one-epoch', overrides: ['--num_ppo_epochs', '1'] },
    { ...rlvr, overrides: [] },
    {
      ...{ ...rlvr, arm: 'nothink' },
      overrides: ['--thinking', 'false', '--max_completion_length', '15'],
    },
    ...ARMS.map((arm) => ({
      ...{ start: /** @type {const} */ ('zero'), arm, algorithm: warm.algorithm },
      ...{ variant: 'longer', times: 5, overrides: [] },
    })),
  ];
}

/** @param {string} runs */
export async function prepareAblations(runs) {
  for (const [mix, { count, keeps }] of Object.entries(PROMPT_MIXES)) {
    // One diet in four is kept, so more than four times as many prompts are drawn.
    const drawn = drawPrompts(new Random(0, `prompt mix ${mix}`), 'train', 5 * count);
    const rows = drawn
      .filter(keeps)
      .slice(0, count)
      .map((prompt) => `${JSON.stringify({ prompt: promptText(prompt) })}\n`);
    writeFileSync(join(root, runs, `${mix}.jsonl`), rows.join(''));
  }
  const preferences = join(runs, 'preferences.jsonl');
  if (!existsSync(join(root, preferences))) {
    const made = ['--model', 'public/models/policy', '--num_prompts', '500', '--seed', '3'];
    await ponder('preferences', ...made, '--out', `${preferences}.partial`);
    renameSync(join(root, `${preferences}.partial`), join(root, preferences));
  }
  await train(
    'recipes/meal-planner/reward-a.yaml',
    rewardRun(runs),
    ...['--max_steps', UNDERTRAINED_STEPS, '--save_steps', UNDERTRAINED_STEPS],
    ...['--warmup_steps', '5', '--datasets', dataset(preferences)],
  );
}

/** @param {string} runs */
function rewardRun(runs) {
  return join(runs, 'undertrained-reward-model');
}

/** @param {string} file */
function dataset(file) {
  return JSON.stringify([{ path: 'json', data_files: file, split: 'train' }]);
}
