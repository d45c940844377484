/**
 * Every key that a recipe may have: type, default, range, and one or two sentences of help, which the
 * page and `ponder train --help` show. Names are TRL's. Defaults are TRL's too, unless the RLMT paper has
 * another. The few keys that TRL does not have are marked "ours".
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

/** Keys of TRL that have no effect here, with the reason. They are accepted so that TRL's recipes work. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  report_to: 'metrics are in metrics.jsonl',
  num_completions_to_print: 'log_completions decides',
  logging_steps: 'every step is logged',
  logging_strategy: 'every step is logged',
  logging_first_step: 'every step is logged',
  save_strategy: 'save_steps decides',
  eval_on_start: 'evaluations begin before the first step',
  per_device_eval_batch_size: 'evaluations use the memory of training',
  run_name: 'the output folder names the run',
  num_processes: 'there is one device',
  num_machines: 'there is one device',
  use_vllm: 'Ponder generates completions itself',
  bf16: 'everything is computed in float32',
  fp16: 'everything is computed in float32',
  dtype: 'frozen weights keep their type, trained weights are float32',
  torch_dtype: 'frozen weights keep their type, trained weights are float32',
  lora_dropout: 'adapters have no dropout',
  attn_implementation: 'there is only one implementation',
  push_to_hub: 'nothing is uploaded',
  disable_tqdm: 'progress is shown on a terminal only',
};

const FIXED_ENTROPY = 'the weight of the entropy is always entropy_coef';

/** Keys of TRL that have another name here, with what to set. */
export const otherNames: Readonly<Record<string, string>> = {
  lr: 'set learning_rate',
  response_length: 'set max_completion_length',
  total_episodes: 'set max_steps, a number of steps',
  reward_model_path: 'set reward_model_name_or_path',
  num_train_epochs: 'set max_steps, a number of steps',
};

/** Keys of TRL that would change a run and are not supported yet, with what holds in their place. */
export const laterKeys: Readonly<Record<string, string>> = {
  sync_ref_model: 'the reference is always the policy before training',
  use_adaptive_entropy: FIXED_ENTROPY,
  entropy_coef_min: FIXED_ENTROPY,
  entropy_coef_max: FIXED_ENTROPY,
  entropy_coef_delta: FIXED_ENTROPY,
  entropy_target: FIXED_ENTROPY,
  off_policy_mask_threshold: 'no completion is left out for being off-policy',
  multi_objective_aggregation: 'rewards are first added with their weights, then normalised',
};
