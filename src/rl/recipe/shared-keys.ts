/** Recipe keys that every algorithm has: the run, its model and data, and the optimizer. */
import { PROJECTIONS } from '../../model/peft.ts';
import { algorithms, MOST_SEQUENCES, MOST_STEPS, type RecipeKeys } from './spec.ts';

export const run = {
  algorithm: {
    type: 'choice',
    choices: algorithms,
    default: 'grpo',
    help: 'What to train (ours). SFT imitates examples, and reward trains a reward model on preferences; GRPO, PPO and DPO improve a policy by comparing groups, by a value model, or by pairs.',
  },
  seed: {
    type: 'integer',
    default: 42,
    min: 0,
    max: 2 ** 32 - 1,
    help: 'Start of the random numbers: the same seed, recipe and graphics card repeat a run exactly.',
  },
  output_dir: {
    type: 'text',
    optional: true,
    help: 'Folder for metrics, completions and checkpoints. The command line uses it if --out is not given; the browser keeps its own runs.',
  },
  max_steps: {
    type: 'integer',
    default: 100,
    min: 1,
    max: MOST_STEPS,
    help: 'Number of steps in the run. Each step takes one batch; it updates the weights more than once if num_iterations, num_ppo_epochs or num_mini_batches is above 1.',
  },
  save_steps: {
    type: 'integer',
    default: 100,
    min: 1,
    max: MOST_STEPS,
    help: 'Steps from one checkpoint to the next; the last step is saved too. Raise it when disk space is short.',
  },
  save_total_limit: {
    type: 'integer',
    optional: true,
    min: 1,
    max: MOST_STEPS,
    help: 'How many checkpoints stay, the newest ones: when a new one is complete, older ones are deleted. If it is not set, the command line keeps all checkpoints and the browser the last two.',
  },
} as const satisfies RecipeKeys;

export const data = {
  model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of the model to train, with config.json, safetensors and tokenizer, or a GGUF file. With use_peft it may be an adapter to continue, which keeps its own rank and projections.',
  },
  random_init: {
    type: 'flag',
    default: false,
    help: 'Starts from random weights (ours); the model folder then needs only config.json and the tokenizer.',
  },
  world: {
    type: 'choice',
    choices: ['meal-planner'],
    optional: true,
    help: 'A built-in source of prompts without end (ours), in place of datasets.',
  },
  datasets: {
    type: 'datasets',
    default: [],
    help: 'JSONL files of prompts, preference pairs or conversations, as the algorithm needs them.',
  },
  thinking: {
    type: 'flag',
    default: true,
    help: 'Whether the model writes a thought before its response (ours); false trains the same without thoughts, to compare.',
  },
  system_prompt: {
    type: 'text',
    optional: true,
    help: 'A system message that only the policy reads (ours). With thinking it replaces the built-in request to think first.',
  },
} as const satisfies RecipeKeys;

export const adapter = {
  use_peft: {
    type: 'flag',
    default: false,
    help: 'Trains a small LoRA adapter and leaves the weights as they are, which takes a fraction of the memory.',
  },
  lora_r: {
    type: 'integer',
    default: 16,
    min: 1,
    max: 1024,
    help: 'Rank of the adapter: a higher rank can learn more and takes more memory; 8 to 64 is usual.',
  },
  lora_alpha: {
    type: 'number',
    default: 32,
    above: 0,
    max: 1e6,
    help: 'The output of the adapter is multiplied by lora_alpha / lora_r; twice the rank is usual.',
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
    help: 'Stores the frozen weights under an adapter in 8 bits: a quarter of the memory of float32, with very little loss of quality.',
  },
  load_in_4bit: {
    type: 'flag',
    default: false,
    help: 'Stores the frozen weights under an adapter in 4 bits: an eighth of the memory of float32, with a little loss of quality.',
  },
} as const satisfies RecipeKeys;

export const optimizer = {
  gradient_checkpointing: {
    type: 'flag',
    default: false,
    help: 'Computes each layer again in the backward pass in place of storing it: much less memory for a third more computation.',
  },
  per_device_train_batch_size: {
    type: 'integer',
    default: 8,
    defaults: { sft: 16 },
    min: 1,
    max: MOST_SEQUENCES,
    help: 'Number of examples, pairs or sampled completions that are processed at once; lower it when memory is short.',
  },
  gradient_accumulation_steps: {
    type: 'integer',
    default: 1,
    min: 1,
    max: MOST_SEQUENCES,
    help: 'Number of batches whose gradients are added for one optimizer step; raise it for a larger batch in the same memory.',
  },
  learning_rate: {
    type: 'number',
    default: 1e-6,
    defaults: { sft: 4e-6, reward: 1e-4, dpo: 3e-7 },
    above: 0,
    max: 1,
    help: 'Size of an optimizer step: 1e-4 to 1e-3 for small models, 1e-6 for billions of parameters. Lower it when the KL or the gradient norm explodes.',
  },
  lr_scheduler_type: {
    type: 'choice',
    choices: ['constant', 'constant_with_warmup', 'linear', 'cosine'],
    default: 'constant',
    defaults: { sft: 'cosine', reward: 'linear', dpo: 'cosine' },
    help: 'What the learning rate does after the warm-up: it falls to zero (linear or cosine) or stays (constant_with_warmup); constant has no warm-up.',
  },
  warmup_ratio: {
    type: 'number',
    default: 0,
    defaults: { sft: 0.1, dpo: 0.05 },
    min: 0,
    max: 1,
    help: 'Share of the run during which the learning rate rises from zero; a small share makes the start more stable.',
  },
  warmup_steps: {
    type: 'number',
    default: 0,
    min: 0,
    max: MOST_STEPS,
    help: 'Length of the warm-up in steps, or below 1 the share of the run; above 0 it replaces warmup_ratio.',
  },
  weight_decay: {
    type: 'number',
    default: 0,
    min: 0,
    max: 10,
    help: 'Moves matrices and embeddings towards zero at each step (AdamW), but not norms and biases; rarely needed in RL.',
  },
  adam_beta1: {
    type: 'number',
    default: 0.9,
    min: 0,
    max: 0.999999,
    help: "Share of Adam's mean gradient that is kept from step to step; rarely changed.",
  },
  adam_beta2: {
    type: 'number',
    default: 0.999,
    min: 0,
    max: 0.999999,
    help: "Share of Adam's mean squared gradient that is kept from step to step; 0.95 to 0.99 suits short runs.",
  },
  adam_epsilon: {
    type: 'number',
    default: 1e-8,
    above: 0,
    max: 1,
    help: 'Added to the divisor of Adam so that it is never zero; rarely changed.',
  },
  max_grad_norm: {
    type: 'number',
    default: 1,
    min: 0,
    help: 'Largest norm of the gradient over all weights; a larger gradient is scaled down to it. 0 turns it off.',
  },
} as const satisfies RecipeKeys;
