/** Scores of different judges have different scales: such runs are not compared or drawn on one axis. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

const REWARD_KEYS = [
  'reward_model_name_or_path',
  'judge_model_name_or_path',
  'judge_prompt',
  'reward_funcs',
  'reward_weights',
];

const textOf = (recipe: RecipeValues, keys: readonly string[]): string =>
  JSON.stringify(keys.map((key) => recipe[key] ?? null));

/** Equal for two recipes whose rewards are measured alike. */
export const rewardScale = (recipe: RecipeValues): string => {
  const text = textOf(recipe, REWARD_KEYS);
  // An empty list of rules is none.
  return text.replace('[]', 'null');
};

export const goldScale = (recipe: RecipeValues): string => textOf(recipe, ['gold']);

const OF_REWARD =
  /^(eval_)?(reward(_std)?|(mean|min|max)_reward|rewards\/.+\/(mean|std)|objective\/(scores|rlhf_reward))$/;

/** Whose score a metric is; undefined if its unit is the same in every run. */
export function scaleOf(key: string): 'reward' | 'gold' | undefined {
  if (OF_REWARD.test(key)) return 'reward';
  return /^(eval_)?gold/.test(key) ? 'gold' : undefined;
}
