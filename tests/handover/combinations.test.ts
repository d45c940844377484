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
import { parse } from 'yaml';
import { HANDOVERS } from '../../src/app/handover/files.ts';
import type { HandoverSource } from '../../src/app/handover/source.ts';
import { targets, type Target } from '../../src/app/handover/targets.ts';
import { openAt, readRecipeFile } from '../../src/cli/open.ts';
import { rewardNames } from '../../src/rl/recipe/reward-names.ts';
import { parseRecipe, RecipeError } from '../../src/rl/recipe/recipe.ts';
import { trlKeys } from '../../src/rl/recipe/trl-keys.ts';
import type { ExportFile } from '../../src/rl/runs/export.ts';
import { makeRun, RECIPES, STEP, type Case } from './make-run.ts';

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

/** A run at a checkpoint, as the command line opens it. @param change a key without a value goes. */
async function sourceOf(name: Case, change: string): Promise<HandoverSource> {
  const run = join(home, name);
  const keys = [...change.matchAll(/^(\w+):/gm)].map(([, key]) => key!);
  const kept = RECIPES[name]
    .replaceAll('RUN', run)
    .split('\n')
    .filter((line) => !keys.some((key) => line.startsWith(`${key}:`)));
  const { recipe } = parseRecipe(
    `${kept.join('\n')}${change.replace(/^\w+:$/gm, '')}`,
    'recipe.yaml',
  );
  return {
    ...{ recipe, step: STEP, open: openAt, readFile: readRecipeFile },
    policy: await openAt(join(run, 'checkpoints', `step-${STEP}`)),
    start: () => openAt(recipe.model_name_or_path!),
  };
}

const textOf = async (file: ExportFile): Promise<string> => {
  let text = '';
  for await (const piece of file.pieces()) text += new TextDecoder().decode(piece);
  return text;
};

/** Keys of TRL's scripts, which are not in its configs. */
const SCRIPT_KEYS = ['datasets', 'reward_funcs'];

/** Checks that the folder has all that its texts name. @returns its recipe, for TRL */
async function expectComplete(
  { recipe }: HandoverSource,
  target: Target,
  files: readonly ExportFile[],
): Promise<string> {
  const paths = files.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  const read = async (path: string): Promise<string> => {
    expect(paths).toContain(path);
    return textOf(files.find((file) => file.path === path)!);
  };
  const readme = await read('README.md');
  expect(readme).not.toMatch(/\{\w+\}|undefined|NaN/);
  const tops = new Set(paths.map((path) => path.split('/')[0]!));
  const table = readme.slice(readme.indexOf('| File |'));
  const named = [...table.matchAll(/^\| ([a-z][\w.]+) \|/gm)].map(([, name]) => name!);
  for (const name of named) expect(tops).toContain(name);
  for (const top of tops) expect(`${readme} README.md`).toContain(top);
  const facts = JSON.parse(await read('run.json')) as { rewards: string[]; weights: number[] };
  expect(facts.rewards).toEqual(rewardNames(recipe));
  expect(facts.weights).toHaveLength(facts.rewards.length);
  if (recipe.reward_model_name_or_path) await read('reward_model/config.json');
  if (recipe.judge_model_name_or_path) await read('judge/config.json');
  for (const name of recipe.reward_funcs) {
    await read(`rules/${name.replace(/^.*\/(.*)\.js$/, '$1')}.py`);
  }
  if (recipe.use_peft) {
    for (const path of ['base/config.json', 'policy/adapter_config.json']) await read(path);
  } else await read('policy/model.safetensors');
  if (target !== 'trl') {
    const script = await read('train.sh');
    for (const [, path] of script.matchAll(/\$PWD\/([\w./]+)/g)) {
      const isOutput = /^(output|rollouts|checkpoints|logs)/.test(path!);
      expect(isOutput || paths.some((p) => p === path || p.startsWith(`${path}/`)), path).toBe(
        true,
      );
    }
    return '';
  }
  const yaml = await read('recipe.yaml');
  const values = parse(yaml) as Record<string, unknown>;
  expect(
    Object.keys(values).filter((key) => !(key in trlKeys) && !SCRIPT_KEYS.includes(key)),
  ).toEqual([]);
  expect(paths.some((path) => path.startsWith(`${String(values['model_name_or_path'])}/`))).toBe(
    true,
  );
  return yaml;
}

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
    const source = await sourceOf(name, change());
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
