/**
 * Every algorithm, with an adapter or whole, with every kind of reward, to every target: the folder is complete,
 * or one sentence says why there is none. With TRL_PYTHON=.../bin/python, a Python that has TRL, its own parser
 * reads every recipe.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANDOVERS } from '../../src/app/handover/files.ts';
import { targets, type Target } from '../../src/app/handover/targets.ts';
import { RecipeError } from '../../src/rl/recipe/recipe.ts';
import { expectComplete, sourceOf } from './handed-over.ts';
import { makeRun, type Case } from './make-run.ts';

const python = process.env['TRL_PYTHON'];
if (!python) console.warn('TRL’s own parser: not asked, because TRL_PYTHON is not set.');

let home: string;
const cases: Case[] = ['grpo', 'judge', 'adapter', 'sft', 'dpo', 'reward'];
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder ü '));
  for (const name of cases) await makeRun(join(home, name), name);
});
afterAll(() => rm(home, { recursive: true }));

const MODEL = 'reward_model_name_or_path: public/models/reward\n';
const RULES = 'reward_funcs: [recipes/rules/polite.js, recipes/rules/one-sentence.js]\n';
const judge = (): string => `judge_model_name_or_path: ${join(home, 'judge', 'judge')}\n`;
const REWARDS: Record<string, () => string> = {
  rules: () => RULES,
  model: () => MODEL,
  judge,
  all: () => `${MODEL}${judge()}${RULES}reward_weights: [1, 0.5, 2, -1]\n`,
};

/** Whom a run goes on with. */
const GRPO = { whole: targets, adapter: ['trl', 'verl'] as Target[] };
const TRL_ALONE: Target[] = ['trl'];
type Row = [title: string, name: Case, change: () => string, takenBy: readonly Target[]];
const rows: Row[] = [
  ...Object.entries(REWARDS).flatMap(([kind, reward]): Row[] => {
    const none = 'reward_model_name_or_path:\n';
    const change = (): string => (/^reward_model/m.test(reward()) ? '' : none) + reward();
    return [
      [`GRPO, whole, ${kind}`, 'grpo', change, GRPO.whole],
      [`GRPO, adapter, ${kind}`, 'adapter', change, GRPO.adapter],
      [`PPO, whole, ${kind}`, 'grpo', () => `algorithm: ppo\nbeta:\n${change()}`, []],
      [`PPO, adapter, ${kind}`, 'adapter', () => `algorithm: ppo\nbeta:\n${change()}`, []],
      [`DPO that samples, ${kind}`, 'grpo', () => `algorithm: dpo\nbeta: 0.1\n${change()}`, []],
    ];
  }),
  ['GRPO without a thought', 'grpo', () => 'thinking: false\n', GRPO.whole],
  [
    'GRPO with evaluations',
    'grpo',
    () => 'eval_strategy: steps\neval_num_prompts: 4\n',
    GRPO.whole,
  ],
  ['GRPO in parts', 'grpo', () => 'gradient_accumulation_steps: 2\n', GRPO.whole],
  ['SFT', 'sft', () => '', TRL_ALONE],
  ['DPO', 'dpo', () => '', TRL_ALONE],
  ['a reward model', 'reward', () => '', TRL_ALONE],
];

const recipes = new Map<string, string>();
describe.each(rows)('%s', (title, name, change, takenBy) => {
  it.each(targets)('to %s', async (target) => {
    const source = await sourceOf(home, name, change());
    const files = HANDOVERS[target](source);
    if (takenBy.includes(target)) {
      const yaml = await expectComplete(source, target, await files);
      if (yaml) recipes.set(`${source.recipe.algorithm}-${recipes.size}`, yaml);
      return;
    }
    const error: unknown = await files.catch((reason: unknown) => reason);
    expect(error, title).toBeInstanceOf(RecipeError);
    expect((error as RecipeError).message).toMatch(/^[^.]*(\d\.\d[^.]*)*(; [^.]+)?\.$/);
  });
});

it.skipIf(!python)('TRL’s own parser takes every recipe', async () => {
  expect(recipes.size).toBeGreaterThan(10);
  const folder = await mkdtemp(join(home, 'recipes-'));
  for (const [name, yaml] of recipes) await writeFile(join(folder, `${name}.yaml`), yaml);
  const check = [join(import.meta.dirname, 'check_trl.py'), folder];
  const { stdout } = await promisify(execFile)(python!, check, { env: process.env });
  expect(JSON.parse(stdout)).toEqual(
    Object.fromEntries([...recipes].map(([name]) => [name, 'taken'])),
  );
});
