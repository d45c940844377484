/**
 * The recipe of "A real model": GRPO with LoRA on a small chat model, as recipes/real trains it. The models
 * themselves are what the visitor drops.
 */
import type { RecipeValues } from '../../rl/recipe/values.ts';

export const REAL_MODEL: RecipeValues = {
  use_peft: true,
  lora_r: 16,
  lora_alpha: 32,
  gradient_checkpointing: true,
  num_generations: 8,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  max_prompt_length: 192,
  max_thought_length: 48,
  max_completion_length: 112,
  learning_rate: 2e-5,
  beta: 0.001,
  max_steps: 40,
};

/** What it takes, where the model is SmolLM2-135M-Instruct: measured on recipes/real. */
export const REAL_MODEL_WORK = 'about 3 TFLOP';
