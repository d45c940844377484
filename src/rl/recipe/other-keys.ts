/**
 * Keys of recipes that were written for TRL, open-r1, unsloth, axolotl or LLaMA-Factory and are not among
 * Ponder's own. Most of them mean nothing here. A key that would change the result is accepted with TRL's default only.
 */
import type { Algorithm } from './spec.ts';
import { trlDefault } from './trl-defaults.ts';
import { trlKeys } from './trl-keys.ts';

const IN_FLOAT32 = 'everything is computed in float32';
const ALL_LOGGED = 'every step is logged';

/** Keys that mean nothing here, with the reason where it is not plain. */
const NOT_USED: readonly (readonly [pattern: RegExp, reason?: string])[] = [
  [/^(report_to|wandb_\w+|trackio_\w+|project|run_name|callbacks|benchmarks)$/],
  [/^(log_level\w*|log_on_each_node|log_unique_prompts|log_multimodal)$/],
  [/^(log_completions_hub_repo|num_completions_to_print|logging_\w+|disable_tqdm)$/, ALL_LOGGED],
  [/^(hub_\w+|push_to_hub\w*|overwrite_hub_revision)$/, 'nothing is uploaded'],
  [/^(bf16|fp16|tf32|bf16_\w+|fp16_\w+|half_precision_backend|cast_lm_head_to_fp32)$/, IN_FLOAT32],
  [/^(dtype|torch_dtype|model_init_kwargs)$/, 'frozen weights keep their type, others are float32'],
  [/^(bnb_4bit_\w+|use_bnb_nested_quant)$/, 'Ponder has its own 4 bits'],
  [/^(lora_dropout|disable_dropout)$/, 'there is no dropout'],
  [/^(lora_task_type|use_gradient_checkpointing|gradient_checkpointing_\w+)$/],
  [/^(vllm_\w+|use_vllm|use_transformers_\w+|transformers_continuous_batching_config)$/],
  [/^(cache_implementation|use_cache|ds3_gather_for_generation)$/],
  [/^(attn_implementation|use_liger_kernel|liger_kernel_config|activation_\w+|torch_compile\w*)$/],
  [/^(ddp_\w+|fsdp\w*|deepspeed\w*|accelerator_config|parallelism_config|local_rank|use_cpu)$/],
  [/^(num_processes|num_machines|distributed_type|mixed_precision|machine_rank)$/],
  [/^(dataloader_\w+|dataset_num_proc|dataset_batch_size|dataset_streaming|data_seed)$/],
  [/^(dataset_config|dataset_(train|test)_split|dataset_text_field|truncation_mode)$/],
  [/^(remove_unused_columns|label_names|length_column_name|ignore_bias_buffers)$/],
  [/^(packing_strategy|eval_packing|padding_free|pad_to_multiple_of|precompute_ref_\w+)$/],
  [/^(per_device_eval_batch_size|eval_accumulation_steps|eval_do_concat_batches)$/],
  [/^(eval_use_gather_object|batch_eval_metrics|prediction_loss_only|include_\w+)$/],
  [/^eval_on_start$/, 'evaluations begin before the first step'],
  [/^(metric_for_best_model|greater_is_better|do_(train|eval|predict))$/],
  [/^(save_strategy|save_safetensors|save_on_each_node|save_only_model)$/, 'save_steps decides'],
  [/^(overwrite_output_dir|restore_callback_states_from_checkpoint|ignore_data_skip)$/],
  [/^(trust_remote_code|model_revision|tokenizer_revision|use_fast_tokenizer)$/],
  [/^(auto_find_batch_size|average_tokens_across_devices|full_determinism|debug)$/],
  [/^(skip_memory_metrics|torch_empty_cache_steps|enable_jit_checkpoint|jit_mode_eval|use_ipex)$/],
  [/^(tpu_\w+|no_cuda|use_mps_device|ray_scope|past_index|hf_\w*token|random_state)$/],
  [/^ref_model_(mixup_alpha|sync_steps)$/, 'sync_ref_model is off'],
  [/^router_aux_loss_coef$/, 'there are no experts'],
  [
    /^(fast_inference|gpu_memory_utilization|max_lora_rank|float8_kv_cache|unsloth_\w+|device_map)$/,
  ],
  [/^(strict|flash_attention|sdp_attention|plot_loss|overwrite_cache|preprocessing_num_workers)$/],
  [/^(use_fast|tokenizer_use_fast|tokenizer_type|model_type|dataset_prepared_path)$/],
  [
    /^(use_exact_model_name|save_(model|method|path|gguf)|quantization|push_model)$/,
    'use ponder export',
  ],
];

const FIXED_ENTROPY = 'the weight of the entropy is always entropy_coef';

/** Keys that would change the result, with what holds here, or what to set in their place. */
const CHANGES_RESULT: Readonly<Record<string, string>> = {
  lr: 'set learning_rate',
  model_name: 'set model_name_or_path',
  target_modules: 'set lora_target_modules',
  finetune_language_layers: 'set lora_target_modules',
  finetune_attention_modules: 'set lora_target_modules',
  finetune_mlp_modules: 'set lora_target_modules',
  full_finetuning: 'set use_peft',
  base_model: 'set model_name_or_path',
  adapter: 'set use_peft',
  finetuning_type: 'set use_peft',
  peft_config: 'set use_peft and the keys that begin with lora_',
  lora_config: 'set use_peft and the keys that begin with lora_',
  lora_rank: 'set lora_r',
  lora_target: 'set lora_target_modules',
  lora_target_linear: 'set lora_target_modules: all-linear',
  sequence_len: 'set max_length',
  cutoff_len: 'set max_length',
  micro_batch_size: 'set per_device_train_batch_size',
  num_epochs: 'set max_steps, a number of steps',
  max_samples: 'set max_steps, a number of steps',
  optimizer: 'the optimizer is AdamW',
  lr_scheduler: 'set lr_scheduler_type',
  rl: 'set algorithm',
  stage: 'set algorithm',
  dataset: 'set datasets to files; nothing is downloaded',
  dataset_dir: 'set datasets to files; nothing is downloaded',
  val_set_size: 'add an entry with split: test to datasets',
  val_size: 'add an entry with split: test to datasets',
  sample_packing: 'texts are never joined',
  train_on_inputs: 'only completions are learned',
  special_tokens: 'set them in tokenizer_config.json',
  template: 'put it into chat_template.jinja of the model',
  response_length: 'set max_completion_length',
  total_episodes: 'set max_steps, a number of steps',
  num_train_epochs: 'set max_steps, a number of steps',
  reward_model_path: 'set reward_model_name_or_path',
  max_seq_length: 'set max_length',
  evaluation_strategy: 'set eval_strategy',
  dataset_name: 'set datasets to files; nothing is downloaded',
  dataset_mixture: 'set datasets to files; nothing is downloaded',
  dataset_prompt_column: 'call the column prompt',
  steps_per_generation: 'set gradient_accumulation_steps',
  generation_batch_size: 'set per_device_train_batch_size and gradient_accumulation_steps',
  resume_from_checkpoint: 'use --resume',
  use_rslora: 'set lora_alpha to lora_alpha times the square root of lora_r',
  eos_token: 'set it in tokenizer_config.json',
  pad_token: 'set it in tokenizer_config.json',
  chat_template: 'put it into chat_template.jinja of the model',
  chat_template_path: 'put it into chat_template.jinja of the model',
  sync_ref_model: 'the reference is always the policy before training',
  use_adaptive_entropy: FIXED_ENTROPY,
  entropy_coef_min: FIXED_ENTROPY,
  entropy_coef_max: FIXED_ENTROPY,
  entropy_coef_delta: FIXED_ENTROPY,
  entropy_target: FIXED_ENTROPY,
  off_policy_mask_threshold: 'no completion is left out for being off-policy',
  multi_objective_aggregation: 'rewards are first added with their weights, then normalised',
  completion_only_loss: 'only completions are learned',
  assistant_only_loss: 'only the last answer is learned',
  packing: 'texts are never joined',
  optim: 'the optimizer is AdamW',
};

/** Values besides TRL's default that are what Ponder does. */
function isSame(key: string, value: unknown): boolean {
  if (key === 'optim') return typeof value === 'string' && value.includes('adam');
  if (key === 'completion_only_loss') return value === true;
  // The order of the data is Ponder's own.
  if (key === 'shuffle_dataset') return typeof value === 'boolean';
  return false;
}

/** What a key that is not Ponder's own, or has no meaning for the algorithm, does to a run. */
type OtherKey =
  | { readonly use: 'none'; readonly reason?: string }
  | { readonly use: 'other'; readonly advice?: string };

/**
 * undefined if nobody knows the key.
 * @param keys of the whole recipe
 */
export function otherKey(
  key: string,
  value: unknown,
  keys: Pick<ReadonlyMap<string, unknown>, 'has'>,
  algorithm: Algorithm,
): OtherKey | undefined {
  if (key === 'num_train_epochs' && keys.has('max_steps')) {
    return { use: 'none', reason: 'max_steps decides' };
  }
  const unused = NOT_USED.find(([pattern]) => pattern.test(key));
  if (unused) return { use: 'none', ...(unused[1] !== undefined && { reason: unused[1] }) };
  const isTrl = Object.hasOwn(trlKeys, key);
  const advice = Object.hasOwn(CHANGES_RESULT, key) ? CHANGES_RESULT[key] : undefined;
  if (!isTrl && advice === undefined) return undefined;
  if (
    isTrl &&
    key !== 'num_train_epochs' &&
    (value === null || isEqual(value, trlDefault(key, algorithm)) || isSame(key, value))
  ) {
    return { use: 'none', reason: 'this value changes nothing' };
  }
  return { use: 'other', ...(advice !== undefined && { advice }) };
}

const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Names for suggestions besides Ponder's own. */
export const otherNames: readonly string[] = Object.keys({ ...trlKeys, ...CHANGES_RESULT });
