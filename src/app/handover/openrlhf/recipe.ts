/** A GRPO recipe in OpenRLHF's words: the arguments of openrlhf.cli.train_ppo_ray. */
import type { Recipe } from '../../../rl/recipe/recipe.ts';
import { restOfSchedule } from '../fresh-start.ts';
import { refuseMissing, requireGrpo } from '../missing.ts';

/** True: the argument has no value. A text that begins with ./ is a path in the folder. */
type Value = true | number | string | readonly number[];

/** OpenRLHF limits rewards, ours have no limit. Its parser takes no exponent in a negative number. */
const NO_LIMIT = [-1_000_000_000, 1_000_000_000];

/**
 * The arguments for the steps that are left after `step`.
 * @throws RecipeError for what OpenRLHF 0.11.2 does not have
 */
export function openrlhfRecipe(
  recipe: Recipe,
  step: number,
  hasTest: boolean,
): Record<string, Value> {
  refuse(recipe);
  const completions = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  return {
    'data.prompt_dataset': './train.jsonl',
    'data.input_key': 'prompt',
    'data.label_key': 'label',
    'data.max_len': recipe.max_prompt_length + recipe.max_completion_length,
    'reward.remote_url': './reward.py',
    'reward.clip_range': NO_LIMIT,
    ...(recipe.soft_punish_cache > 0 && {
      'reward.overlong_buffer_len': recipe.soft_punish_cache,
    }),
    'rollout.batch_size': completions / recipe.num_generations,
    'rollout.n_samples_per_prompt': recipe.num_generations,
    'rollout.max_new_tokens': recipe.max_completion_length,
    'rollout.temperature': recipe.temperature,
    'rollout.top_p': recipe.top_p,
    // Both take off the group's mean; dr_grpo does not divide by its standard deviation.
    'algo.advantage.estimator': recipe.scale_rewards === 'group' ? 'group_norm' : 'dr_grpo',
    ...kl(recipe),
    ...actor(recipe, step),
    'train.batch_size': completions,
    'train.max_epochs': recipe.num_iterations,
    'train.num_episodes': 1,
    'train.seed': recipe.seed,
    'train.colocate_all': true,
    'vllm.gpu_memory_utilization': 0.5,
    'vllm.enable_sleep': true,
    'ds.enable_sleep': true,
    ...(hasTest && {
      'eval.dataset': './test.jsonl',
      'eval.steps': recipe.eval_steps,
      'eval.temperature': recipe.temperature,
      'eval.n_samples_per_prompt': 1,
    }),
    'ckpt.output_dir': './output',
    'ckpt.path': './checkpoints',
    'ckpt.save_steps': recipe.save_steps,
    'ckpt.best_metric_key': 'none',
    'logger.tensorboard_dir': './logs',
  };
}

function kl(recipe: Recipe): Record<string, Value> {
  if (recipe.beta === 0) return { 'algo.kl.init_coef': 0 };
  return {
    'algo.kl.init_coef': recipe.beta,
    'algo.kl.use_loss': true,
    'algo.kl.estimator': 'k3',
    // The gradient is that of the k3 times the ratio: ratio * log(policy / reference).
    ...(recipe.use_bias_correction_kl && { 'algo.kl.unbiased_gradient': true as const }),
  };
}

function actor(recipe: Recipe, step: number): Record<string, Value> {
  const { rate, warmup } = restOfSchedule(recipe, step);
  const updates = (recipe.max_steps - step) * recipe.num_iterations;
  return {
    'actor.model_name_or_path': './policy',
    'actor.policy_loss_type': recipe.importance_sampling_level === 'sequence' ? 'gspo' : 'ppo',
    'actor.loss_agg_mode': recipe.loss_type === 'grpo' ? 'seq-mean-token-mean' : 'token-mean',
    'actor.eps_clip_low_high': [recipe.epsilon, recipe.epsilon_high ?? recipe.epsilon],
    ...(recipe.delta !== undefined && { 'actor.dual_clip': recipe.delta }),
    'actor.entropy_coef': recipe.entropy_coef,
    'actor.adam.lr': rate,
    'actor.adam.betas': [recipe.adam_beta1, recipe.adam_beta2],
    'actor.adam.eps': recipe.adam_epsilon,
    'actor.adam.weight_decay': recipe.weight_decay,
    'actor.max_norm': recipe.max_grad_norm,
    'actor.lr_scheduler': recipe.lr_scheduler_type,
    // OpenRLHF takes a share of its updates and rounds up.
    'actor.lr_warmup_ratio': warmup > 0 ? (warmup * recipe.num_iterations - 0.5) / updates : 0,
    ...(recipe.gradient_checkpointing && { 'actor.gradient_checkpointing_enable': true as const }),
  };
}

function refuse(recipe: Recipe): void {
  const { loss_type: loss } = recipe;
  requireGrpo('OpenRLHF', recipe);
  const bySequence = recipe.importance_sampling_level === 'sequence';
  refuseMissing('OpenRLHF 0.11.2', recipe, [
    [!['grpo', 'bnpo', 'dapo'].includes(loss), `loss_type ${loss}`],
    [bySequence && loss !== 'grpo', 'importance_sampling_level: sequence without loss_type grpo'],
    [recipe.use_peft, 'a way to go on with an adapter'],
    [recipe.scale_rewards === 'batch', 'scale_rewards: batch'],
    [recipe.top_k > 0, 'top_k'],
    [recipe.min_p > 0, 'min_p'],
    [recipe.top_entropy_quantile < 1, 'top_entropy_quantile'],
    [recipe.mask_truncated_completions, 'mask_truncated_completions'],
    [recipe.thinking && recipe.max_thought_length > 0, 'max_thought_length'],
    [recipe.dynamic_sampling > 0, 'dynamic_sampling in this form'],
    [recipe.mask_zero_std_groups, 'mask_zero_std_groups'],
  ]);
}

/** --name value, each value as a shell reads it. */
export function argumentLines(values: Readonly<Record<string, Value>>): string[] {
  return Object.entries(values).map(([name, value]) => {
    if (value === true) return `--${name}`;
    if (typeof value === 'number' || typeof value === 'string') return `--${name} ${word(value)}`;
    return `--${name} ${value.join(' ')}`;
  });
}

// Ray's processes have other working directories.
const word = (value: number | string): string =>
  typeof value === 'string' && value.startsWith('./') ? `"$PWD/${value.slice(2)}"` : String(value);
