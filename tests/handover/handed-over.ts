/** Runs to hand over, and what must be true of the folders. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { HandoverSource } from '../../src/app/handover/source.ts';
import type { Target } from '../../src/app/handover/targets.ts';
import { openAt, readRecipeFile } from '../../src/cli/open.ts';
import { rewardNames } from '../../src/rl/recipe/reward-names.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { trlKeys } from '../../src/rl/recipe/trl-keys.ts';
import type { ExportFile } from '../../src/rl/runs/export.ts';
import { RECIPES, STEP, type Case } from './make-run.ts';

/** A run at a checkpoint, as the command line opens it. @param change a key without a value goes. */
export async function sourceOf(home: string, name: Case, change: string): Promise<HandoverSource> {
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
export async function expectComplete(
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

/** A file of the folder as text; undefined if it is not there. */
export async function textIn(
  files: readonly ExportFile[],
  path: string,
): Promise<string | undefined> {
  const found = files.find((file) => file.path === path);
  return found && textOf(found);
}
