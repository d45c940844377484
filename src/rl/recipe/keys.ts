/**
 * Every key that a recipe may have: type, default, range, and one or two sentences of help, which the
 * page and `ponder train --help` show. Names are TRL's. Defaults are TRL's too, or those of the RLMT paper;
 * recipes/README.md lists those that are not TRL's. The few keys that TRL does not have are marked "ours".
 */
import { examples, generation, judge, lessons } from './algorithm-keys.ts';
import { evaluation } from './evaluation-keys.ts';
import { groupObjective, pairs, preference, proximal } from './objective-keys.ts';
import { rewards } from './reward-keys.ts';
import { adapter, data, optimizer, run } from './shared-keys.ts';
import type { RecipeValues } from './values.ts';
import { algorithms, type Algorithm, type KeyValues, type RecipeKeys } from './spec.ts';

/** The keys in reading order; a group without `only` is for every algorithm. */
export const recipeGroups: readonly {
  readonly title: string;
  readonly keys: RecipeKeys;
  readonly only?: readonly Algorithm[];
}[] = [
  { title: 'Run', keys: run },
  { title: 'Model and data', keys: data },
  { title: 'Adapter', keys: adapter },
  { title: 'Optimizer', keys: optimizer },
  { title: 'Examples', keys: examples, only: ['sft', 'reward'] },
  { title: 'Demonstrations', keys: lessons, only: ['sft'] },
  { title: 'Reward model', keys: judge, only: ['reward'] },
  { title: 'Generation', keys: generation, only: ['grpo', 'ppo', 'dpo'] },
  { title: 'Rewards', keys: rewards, only: ['grpo', 'ppo', 'dpo'] },
  { title: 'Objective', keys: preference, only: ['grpo', 'dpo'] },
  { title: 'Groups', keys: groupObjective, only: ['grpo'] },
  { title: 'Pairs', keys: pairs, only: ['dpo'] },
  { title: 'Proximal policy optimisation', keys: proximal, only: ['ppo'] },
  { title: 'Evaluation', keys: evaluation, only: ['reward', 'grpo', 'ppo', 'dpo'] },
];

export const recipeKeys = {
  ...run,
  ...data,
  ...adapter,
  ...optimizer,
  ...examples,
  ...lessons,
  ...judge,
  ...generation,
  ...rewards,
  ...preference,
  ...groupObjective,
  ...pairs,
  ...proximal,
  ...evaluation,
} as const satisfies RecipeKeys;
export type RecipeKey = keyof typeof recipeKeys;

export function keysOf(algorithm: Algorithm): RecipeKey[] {
  const groups = recipeGroups.filter(({ only }) => !only || only.includes(algorithm));
  return groups.flatMap(({ keys }) => Object.keys(keys)) as RecipeKey[];
}

/**
 * The values of `base`, replaced by those of `over`. If `over` sets another algorithm, the keys of
 * `base` that have no meaning for it are left out and are not an error. If `over` sets other data, the
 * evaluation keys of `base` are left out too, because they belong to the data of `base`.
 */
export function layerRecipes(base: RecipeValues, over: RecipeValues): RecipeValues {
  const algorithm = over['algorithm'] ?? base['algorithm'] ?? recipeKeys.algorithm.default;
  if (!algorithms.includes(algorithm as Algorithm)) return { ...base, ...over };
  const meant: readonly string[] = keysOf(algorithm as Algorithm);
  const kept = Object.entries(base).filter(
    ([key]) =>
      (meant.includes(key) || !Object.hasOwn(recipeKeys, key)) &&
      !(over['datasets'] && Object.hasOwn(evaluation, key)),
  );
  return { ...Object.fromEntries(kept), ...over };
}

/** A checked recipe: every key has a value; keys of other algorithms have their defaults. */
export type Recipe = KeyValues<typeof recipeKeys>;
