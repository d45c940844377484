/** A recipe in TRL's words: the arguments of `trl grpo`, `sft`, `reward` or `dpo`. */
import { generation } from '../../../rl/recipe/algorithm-keys.ts';
import { keysOf, type Recipe, type RecipeKey } from '../../../rl/recipe/keys.ts';
import { hasRewards, RecipeError } from '../../../rl/recipe/recipe.ts';
import type { RecipeValue } from '../../../rl/recipe/values.ts';
import { warmupSteps } from '../../../rl/trainers/schedule.ts';
import { saveInstead } from '../save-instead.ts';

/** Keys that this folder says in another way, or that only Ponder has. */
const NOT_TRLS: readonly RecipeKey[] = [
  ...(['algorithm', 'output_dir', 'max_steps', 'save_steps', 'warmup_ratio'] as const),
  ...(['model_name_or_path', 'random_init', 'world', 'datasets', 'world_data'] as const),
  ...(['thinking', 'system_prompt', 'malformed', 'gold', 'online'] as const),
  ...(['reward_model_name_or_path', 'judge_model_name_or_path', 'judge_prompt'] as const),
  ...(['reward_funcs', 'max_prompt_length', 'max_thought_length', 'log_completions'] as const),
  ...(['dynamic_sampling', 'mask_zero_std_groups', 'soft_punish_cache'] as const),
  ...(['eval_strategy', 'eval_steps', 'eval_num_prompts', 'save_total_limit', 'min_p'] as const),
];
const ADAPTER_KEYS: readonly RecipeKey[] = [
  ...(['lora_r', 'lora_alpha', 'lora_target_modules', 'load_in_8bit', 'load_in_4bit'] as const),
];

const OURS_ONLY = ['dynamic_sampling', 'mask_zero_std_groups'] as const;

/**
 * TRL's arguments for the steps that are left after `step`.
 * @param rewards names of the functions in rewards.py
 * @throws RecipeError for what TRL does not have
 */
export function trlRecipe(
  recipe: Recipe,
  step: number,
  rewards: readonly string[],
): Record<string, RecipeValue> {
  refuse(recipe);
  const updates = updatesPerStep(recipe);
  const own = keysOf(recipe.algorithm).filter(
    (key) =>
      !NOT_TRLS.includes(key) &&
      // DPO from a file samples nothing.
      !(recipe.algorithm === 'dpo' && key in generation) &&
      recipe[key] !== undefined &&
      (recipe.use_peft || !ADAPTER_KEYS.includes(key)),
  );
  const values = Object.fromEntries(own.map((key) => [key, recipe[key] as RecipeValue]));
  const grpo = recipe.algorithm === 'grpo';
  return {
    model_name_or_path: recipe.use_peft ? 'base' : 'policy',
    dtype: 'float32',
    datasets: [{ path: 'json', data_files: 'train.jsonl', split: 'train' }],
    ...(grpo && { reward_funcs: rewards.map((name) => `rewards.${name}`) }),
    output_dir: 'output',
    ...values,
    max_steps: (recipe.max_steps - step) * updates,
    save_steps: recipe.save_steps * updates,
    warmup_steps: warmupSteps(recipe) * updates,
    ...(grpo && recipe.min_p > 0 && { min_p: recipe.min_p }),
    ...lengths(recipe),
    bf16: false,
    logging_steps: 1,
    report_to: 'none',
    // In the order of train.jsonl.
    ...(grpo ? { shuffle_dataset: false } : { train_sampling_strategy: 'sequential' }),
    ...(grpo && { log_completions: recipe.log_completions }),
  };
}

/** TRL counts optimizer steps, Ponder batches of completions. */
export const updatesPerStep = ({ algorithm, num_iterations: updates }: Recipe): number =>
  algorithm === 'grpo' ? updates : 1;

function lengths(recipe: Recipe): Record<string, number> {
  if (recipe.algorithm !== 'dpo') return {};
  return { max_length: recipe.max_prompt_length + recipe.max_completion_length };
}

function refuse(recipe: Recipe): void {
  const { algorithm, online } = recipe;
  if (algorithm === 'ppo') {
    throw new RecipeError(
      `TRL 1.16 has no stable PPO, so a PPO run cannot go on there; ${saveInstead(recipe)}, and ` +
        'begin a GRPO run with it.',
    );
  }
  if (algorithm === 'dpo' && (online || hasRewards(recipe))) {
    throw new RecipeError(
      'this DPO run samples its own pairs and lets a reward order them, and no trainer of TRL does that; ' +
        `${saveInstead(recipe)}, and begin a GRPO run with it.`,
    );
  }
  if (algorithm === 'grpo') refuseGrpo(recipe);
}

function refuseGrpo(recipe: Recipe): void {
  const ours = OURS_ONLY.find((key) => recipe[key] !== false && recipe[key] !== 0);
  if (ours) {
    throw new RecipeError(
      `TRL 1.16 has nothing like ${ours}; hand over a run without it, or ${saveInstead(recipe)}.`,
    );
  }
  if (recipe.soft_punish_cache > 0) {
    throw new RecipeError(
      'soft_punish_cache is a reward function in TRL; hand over a run without it, and add ' +
        'trl.rewards.get_soft_overlong_punishment to reward_funcs in recipe.yaml there.',
    );
  }
  if (recipe.thinking && recipe.max_thought_length > 0) {
    throw new RecipeError(
      'max_thought_length closes thoughts while they are written, which TRL 1.16 cannot do; hand over a ' +
        `run with max_thought_length: 0, or ${saveInstead(recipe)}.`,
    );
  }
}
