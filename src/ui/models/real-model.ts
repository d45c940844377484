/**
 * The recipe of "A real model learns to think": the values of recipes/real/think.yaml. The models and prompts
 * themselves are what the visitor drops.
 */
import type { RecipeValues } from '../../rl/recipe/values.ts';

export const REAL_MODEL: RecipeValues = {
  use_peft: true,
  lora_r: 16,
  lora_alpha: 32,
  gradient_checkpointing: true,
  num_generations: 4,
  per_device_train_batch_size: 16,
  max_prompt_length: 264,
  max_thought_length: 48,
  max_completion_length: 128,
  learning_rate: 2e-4,
  beta: 0,
  max_steps: 40,
};

/** What a step takes, where the model is SmolLM2-135M-Instruct: an estimate, not measured. */
export const REAL_MODEL_WORK = 'about 3 trillion calculations';
