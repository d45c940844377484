/** A GRPO recipe in verl's words: overrides of its Hydra config `ppo_trainer`. */
import type { Recipe } from '../../../rl/recipe/recipe.ts';
import { restOfSchedule } from '../fresh-start.ts';
import { refuseMissing, requireGrpo } from '../missing.ts';

/** A text that begins with ./ is a path in the folder. */
type Value = number | boolean | string | null | readonly (string | number)[];

/** Gives out each turn as it is: the prompts have the policy's template in them. */
const AS_WRITTEN = '{% for turn in messages %}{{ turn.content }}{% endfor %}';

/**
 * The overrides for the steps that are left after `step`.
 * @throws RecipeError for what verl 0.9.1 does not have
 */
export function verlRecipe(recipe: Recipe, step: number, hasTest: boolean): Record<string, Value> {
  refuse(recipe);
  const prompts =
    (recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps) /
    recipe.num_generations;
  return {
    'algorithm.adv_estimator': 'grpo',
    'algorithm.norm_adv_by_std_in_grpo': recipe.scale_rewards === 'group',
    'data.train_files': './train.parquet',
    // verl wants a file, also where nothing is evaluated.
    'data.val_files': hasTest ? './test.parquet' : './train.parquet',
    'data.train_batch_size': prompts,
    'data.max_prompt_length': recipe.max_prompt_length,
    'data.max_response_length': recipe.max_completion_length,
    'data.shuffle': false,
    ...under('actor_rollout_ref.model', model(recipe)),
    ...under('actor_rollout_ref.actor', actor(recipe, step, prompts)),
    ...under('actor_rollout_ref.rollout', rollout(recipe)),
    'reward.custom_reward_function.path': './reward.py',
    'reward.custom_reward_function.name': 'compute_score',
    'trainer.total_epochs': 1,
    'trainer.total_training_steps': recipe.max_steps - step,
    'trainer.save_freq': recipe.save_steps,
    'trainer.test_freq': hasTest ? recipe.eval_steps : -1,
    'trainer.val_before_train': false,
    'trainer.logger': ['console', 'file'],
    'trainer.project_name': 'ponder',
    'trainer.experiment_name': 'handed-over',
    'trainer.default_local_dir': './output',
    ...(recipe.log_completions && { 'trainer.rollout_data_dir': './rollouts' }),
  };
}

function under(group: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`${group}.${key}`, value]),
  );
}

function model(recipe: Recipe): Record<string, Value> {
  return {
    path: recipe.use_peft ? './base' : './policy',
    custom_chat_template: AS_WRITTEN,
    enable_gradient_checkpointing: recipe.gradient_checkpointing,
    ...(recipe.use_peft && {
      lora_rank: recipe.lora_r,
      lora_alpha: recipe.lora_alpha,
      target_modules: recipe.lora_target_modules,
      lora_adapter_path: './policy',
    }),
  };
}

/** Losses are averaged under other names (verl/trainer/ppo/core_algos.py, agg_loss). */
const AVERAGES: Partial<Record<Recipe['loss_type'], string>> = {
  grpo: 'seq-mean-token-mean',
  sapo: 'seq-mean-token-mean',
  bnpo: 'token-mean',
  dapo: 'token-mean',
  cispo: 'token-mean',
  dr_grpo: 'seq-mean-token-sum-norm',
  luspo: 'seq-mean-token-sum',
};

function actor(recipe: Recipe, step: number, prompts: number): Record<string, Value> {
  const { loss_type: loss, epsilon, epsilon_high: high = epsilon } = recipe;
  const mode =
    recipe.importance_sampling_level === 'sequence'
      ? 'gspo'
      : loss === 'cispo' || loss === 'sapo'
        ? loss
        : 'vanilla';
  return {
    ...optimizer(recipe, step),
    ppo_mini_batch_size: prompts,
    ppo_epochs: recipe.num_iterations,
    use_dynamic_bsz: true,
    ppo_max_token_len_per_gpu: Math.max(
      16384,
      recipe.max_prompt_length + recipe.max_completion_length,
    ),
    'policy_loss.loss_mode': mode,
    loss_agg_mode: AVERAGES[loss]!,
    ...(loss === 'dr_grpo' && { loss_scale_factor: recipe.max_completion_length }),
    clip_ratio: epsilon,
    // verl's cispo clips to [1 - low, 1 + high], Ponder's and TRL's to [0, epsilon_high].
    clip_ratio_low: loss === 'cispo' ? 1 : epsilon,
    clip_ratio_high: loss === 'cispo' ? high - 1 : high,
    // Without a limit for negative advantages, one that no ratio reaches.
    clip_ratio_c: recipe.delta ?? 1e6,
    ...(loss === 'sapo' && {
      tau_pos: recipe.sapo_temperature_pos,
      tau_neg: recipe.sapo_temperature_neg,
    }),
    entropy_coeff: recipe.entropy_coef,
    use_kl_loss: recipe.beta > 0,
    kl_loss_coef: recipe.beta,
    kl_loss_type: 'low_var_kl',
  };
}

function optimizer(recipe: Recipe, step: number): Record<string, Value> {
  const falls = recipe.lr_scheduler_type === 'cosine';
  const { rate, warmup } = restOfSchedule(recipe, step);
  const values = {
    lr: rate,
    lr_scheduler_type: falls ? 'cosine' : 'constant',
    lr_warmup_steps: warmup,
    weight_decay: recipe.weight_decay,
    betas: [recipe.adam_beta1, recipe.adam_beta2],
    // Ponder's 0 is no limit.
    clip_grad: recipe.max_grad_norm || 1e9,
    ...(recipe.adam_epsilon !== 1e-8 && {
      override_optimizer_config: `{eps: ${recipe.adam_epsilon}}`,
    }),
  };
  return under('optim', values);
}

function rollout(recipe: Recipe): Record<string, Value> {
  const sampling = {
    temperature: recipe.temperature,
    top_p: recipe.top_p,
    top_k: recipe.top_k || -1,
  };
  return {
    name: 'vllm',
    n: recipe.num_generations,
    seed: recipe.seed,
    tensor_model_parallel_size: 1,
    ...sampling,
    ...under('val_kwargs', { ...sampling, do_sample: true }),
  };
}

function refuse(recipe: Recipe): void {
  requireGrpo('verl', recipe);
  refuseMissing('verl 0.9.1', recipe, [
    [recipe.loss_type === 'vespo', 'loss_type vespo'],
    [recipe.scale_rewards === 'batch', 'scale_rewards: batch'],
    [recipe.min_p > 0, 'min_p'],
    [recipe.top_entropy_quantile < 1, 'top_entropy_quantile'],
    [recipe.use_bias_correction_kl, 'use_bias_correction_kl'],
    [recipe.mask_truncated_completions, 'mask_truncated_completions'],
    [recipe.thinking && recipe.max_thought_length > 0, 'max_thought_length'],
    [recipe.dynamic_sampling > 0, 'dynamic_sampling in this form'],
    [recipe.mask_zero_std_groups, 'mask_zero_std_groups'],
    [recipe.soft_punish_cache > 0, 'soft_punish_cache beside another reward'],
    [recipe.load_in_8bit || recipe.load_in_4bit, 'a quantised base'],
    [recipe.lr_scheduler_type === 'linear', 'lr_scheduler_type linear'],
    [recipe.use_peft && !Number.isInteger(recipe.lora_alpha), 'a lora_alpha with a fraction'],
    [
      recipe.importance_sampling_level === 'sequence' &&
        ['cispo', 'sapo'].includes(recipe.loss_type),
      `loss_type ${recipe.loss_type} with importance_sampling_level: sequence`,
    ],
  ]);
}

/** key=value in Hydra's grammar, each in the quotes of a shell. */
export function overrides(values: Readonly<Record<string, Value>>): string[] {
  return Object.entries(values).map(([key, value]) => {
    if (typeof value !== 'string') return `'${key}=${hydra(value)}'`;
    // Ray's processes have other working directories.
    if (value.startsWith('./')) return `"${key}='$PWD/${value.slice(2)}'"`;
    return value.startsWith('{%') ? `'${key}="${value}"'` : `'${key}=${value}'`;
  });
}

function hydra(value: Value): string {
  return Array.isArray(value) ? `[${value.join(',')}]` : String(value);
}
