/** Ponder's defaults beside TRL's: where they differ, a TRL recipe that leaves out a key trains otherwise here. */
import { checkValue, RecipeError } from './check.ts';
import { keysOf, recipeKeys, type Recipe, type RecipeKey } from './keys.ts';
import { defaultOf, type Algorithm, type RecipeKeySpec } from './spec.ts';
import { grpoKeys, trlKeys, trlKeysOf } from './trl-keys.ts';

/** A key with a default that is not TRL's. */
export interface OtherDefault {
  readonly key: RecipeKey;
  readonly here: unknown;
  readonly trl: unknown;
}

/** Keys of earlier versions of transformers, with the value that does what TRL does now. */
const EARLIER: Readonly<Record<string, unknown>> = { warmup_ratio: 0 };

/** undefined if TRL has no such key. */
export function trlDefault(key: string, algorithm: Algorithm): unknown {
  return { ...EARLIER, ...trlKeys, ...trlKeysOf[algorithm] }[key];
}

/** In the order of the keys; none for PPO, which TRL 1.16 does not have. */
export function otherDefaults(algorithm: Algorithm): OtherDefault[] {
  if (algorithm === 'ppo') return [];
  return keysOf(algorithm).flatMap((key): OtherDefault[] => {
    if (algorithm !== 'grpo' && grpoKeys.includes(key)) return [];
    const spec: RecipeKeySpec = recipeKeys[key];
    const [here, trl] = [defaultOf(spec, algorithm), trlDefault(key, algorithm)];
    return trl === undefined || means(key, spec, trl, here) ? [] : [{ key, here, trl }];
  });
}

/** Whether TRL's value is this one; some of TRL's are no values here. */
function means(key: string, spec: RecipeKeySpec, trl: unknown, here: unknown): boolean {
  try {
    return JSON.stringify(checkValue(key, spec, trl, '')) === JSON.stringify(here);
  } catch (error) {
    if (error instanceof RecipeError) return false;
    throw error;
  }
}

/** Keys that do nothing without another one. */
const NEEDED: Partial<Record<RecipeKey, (recipe: Recipe) => boolean>> = {
  lora_target_modules: ({ use_peft }) => use_peft,
  eval_steps: ({ eval_strategy }) => eval_strategy === 'steps',
  warmup_ratio: ({ warmup_steps, lr_scheduler_type: type }) =>
    warmup_steps === 0 && type !== 'constant',
  use_bias_correction_kl: ({ beta }) => beta > 0,
};

/**
 * A sentence for a recipe of TRL: one with a key that only TRL has.
 * @param given its keys; the others have Ponder's defaults
 */
export function otherDefaultsNotice(recipe: Recipe, given: ReadonlyMap<string, unknown>): string[] {
  const isOfTrl = [...given.keys()].some(
    (key) => Object.hasOwn(trlKeys, key) && !Object.hasOwn(recipeKeys, key),
  );
  if (!isOfTrl) return [];
  const left = otherDefaults(recipe.algorithm).filter(
    ({ key }) => !given.has(key) && (NEEDED[key]?.(recipe) ?? true),
  );
  if (left.length === 0) return [];
  const list = left.map(({ key, here, trl }) => `${key} ${inWords(here)} (TRL ${inWords(trl)})`);
  return [
    `these keys are not set, and their defaults are not those of TRL 1.16: ${list.join(', ')}.`,
  ];
}

/** A default for a person. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined) return 'not set';
  if (value === recipeKeys.lora_target_modules.default) return recipeKeys.lora_target_modules.all;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
