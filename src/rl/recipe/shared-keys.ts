/** Recipe keys that every algorithm has: the run, its model and data, and the optimizer. */
import { PROJECTIONS } from '../../model/peft.ts';
import { algorithms, type RecipeKeys } from './spec.ts';

export const run = {
  algorithm: {
    type: 'choice',
    choices: algorithms,
    default: 'grpo',
    help: 'What to train (ours): sft imitates examples, reward learns a judge from preferences; grpo, ppo and dpo improve a policy: by comparing groups, with a model of what is to come, or by pairs.',
  },
  seed: {
    type: 'integer',
    default: 42,
    min: 0,
    max: 2 ** 32 - 1,
    help: 'Start of every random choice: the same seed, recipe and graphics card repeat a run exactly.',
  },
  output_dir: {
    type: 'text',
    optional: true,
    help: 'Folder for metrics, completions and checkpoints; the command line names it with --out.',
  },
  max_steps: {
    type: 'integer',
    default: 100,
    min: 1,
    help: 'Steps until the run is finished: each takes one batch, and updates the weights more than once with num_iterations, num_ppo_epochs or num_mini_batches above 1.',
  },
  save_steps: {
    type: 'integer',
    default: 100,
    min: 1,
    help: 'A checkpoint is saved every so many steps, and at the end; raise it when disk space is short.',
  },
  save_total_limit: {
    type: 'integer',
    optional: true,
    min: 1,
    help: 'How many checkpoints stay, the newest ones: when a new one is complete, older ones are deleted. When it is not set all stay, but of a run in the browser 2.',
  },
} as const satisfies RecipeKeys;

export const data = {
  model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of the model that is trained: config.json, safetensors and tokenizer; or, with use_peft, of an adapter to go on with, whose own rank and projections count.',
  },
  random_init: {
    type: 'flag',
    default: false,
    help: 'Train from random weights (ours): the model folder needs only config.json and the tokenizer.',
  },
  world: {
    type: 'choice',
    choices: ['meal-planner'],
    optional: true,
    help: 'A built-in source of endless prompts (ours), in place of datasets.',
  },
  datasets: {
    type: 'datasets',
    default: [],
    help: 'JSONL files of prompts, preference pairs or conversations, as the algorithm needs them.',
  },
  thinking: {
    type: 'flag',
    default: true,
    help: 'Whether the model writes a thought before its response (ours); false gives the control arm.',
  },
  system_prompt: {
    type: 'text',
    optional: true,
    help: 'A system turn for the policy alone (ours); with thinking it takes the place of the built-in request to think first.',
  },
} as const satisfies RecipeKeys;

export const adapter = {
  use_peft: {
    type: 'flag',
    default: false,
    help: 'Trains a small LoRA adapter in place of the weights, which stay as they are: a fraction of the memory.',
  },
  lora_r: {
    type: 'integer',
    default: 16,
    min: 1,
    max: 1024,
    help: 'Rank of the adapter: more can learn more, and takes more memory; 8 to 64 is usual.',
  },
  lora_alpha: {
    type: 'number',
    default: 32,
    above: 0,
    help: 'The adapter counts lora_alpha / lora_r; twice the rank is usual.',
  },
  lora_target_modules: {
    type: 'names',
    choices: PROJECTIONS,
    all: 'all-linear',
    default: PROJECTIONS,
    help: 'The projections that get an adapter: all-linear, or a list such as [q_proj, v_proj].',
  },
  load_in_8bit: {
    type: 'flag',
    default: false,
    help: 'Keeps the frozen weights under an adapter in 8 bits: a quarter of float32, hardly worse.',
  },
  load_in_4bit: {
    type: 'flag',
    default: false,
    help: 'Keeps the frozen weights under an adapter in 4 bits: an eighth of float32, a little worse.',
  },
} as const satisfies RecipeKeys;

export const optimizer = {
  gradient_checkpointing: {
    type: 'flag',
    default: false,
    help: 'Computes each layer again on the way back in place of remembering it: much less memory for a third more work.',
  },
  per_device_train_batch_size: {
    type: 'integer',
    default: 8,
    defaults: { sft: 16 },
    min: 1,
    help: 'Examples or pairs, or where the policy samples completions, that are processed at once; lower it when memory is short.',
  },
  gradient_accumulation_steps: {
    type: 'integer',
    default: 1,
    min: 1,
    help: 'Batches whose gradients are added up for one optimizer step: a larger batch in the same memory.',
  },
  learning_rate: {
    type: 'number',
    default: 1e-6,
    defaults: { sft: 4e-6, reward: 1e-4, dpo: 3e-7 },
    above: 0,
    max: 1,
    help: 'Size of a step: small models take 1e-4 to 1e-3, billions of parameters 1e-6; lower it when the KL or the gradient norm explodes.',
  },
  lr_scheduler_type: {
    type: 'choice',
    choices: ['constant', 'constant_with_warmup', 'linear', 'cosine'],
    default: 'constant',
    defaults: { sft: 'cosine', reward: 'linear', dpo: 'cosine' },
    help: 'What the learning rate does after the warm-up: fall to zero straight or as a cosine, or stay; plain constant has no warm-up.',
  },
  warmup_ratio: {
    type: 'number',
    default: 0,
    defaults: { sft: 0.1, dpo: 0.05 },
    min: 0,
    max: 1,
    help: 'Share of the run during which the learning rate rises from zero; a little steadies the start.',
  },
  warmup_steps: {
    type: 'integer',
    default: 0,
    min: 0,
    help: 'The warm-up as a number of steps; above 0 it decides over warmup_ratio.',
  },
  weight_decay: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10,
    help: 'Pulls the weights of the matrices towards zero at each step (AdamW); rarely needed in RL.',
  },
  adam_beta1: {
    type: 'number',
    default: 0.9,
    min: 0,
    max: 0.999999,
    help: "Memory of Adam's mean gradient, as the share kept from step to step.",
  },
  adam_beta2: {
    type: 'number',
    default: 0.999,
    min: 0,
    max: 0.999999,
    help: "Memory of Adam's mean squared gradient; 0.95 to 0.99 suits short runs.",
  },
  adam_epsilon: {
    type: 'number',
    default: 1e-8,
    above: 0,
    max: 1,
    help: "Keeps Adam's division away from zero; there is seldom a reason to touch it.",
  },
  max_grad_norm: {
    type: 'number',
    default: 1,
    min: 0,
    help: 'A gradient whose norm over all weights is larger is scaled down to this norm; 0 is off.',
  },
} as const satisfies RecipeKeys;
