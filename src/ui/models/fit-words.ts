import type { MemoryUse } from '../../app/fit.ts';
import type { RecipeObject, RecipeValue } from '../../rl/recipe/values.ts';

/** The three ways to use a model, for somebody who has never trained one. */
export const USE_WORDS: Record<MemoryUse, string> = {
  run: 'Generate only',
  lora: 'Train an adapter (LoRA)',
  full: 'Train all weights',
};

const WORDS: Record<string, (value: RecipeValue) => string | undefined> = {
  use_peft: (value) => (value ? 'train an adapter instead of all weights' : 'train all weights'),
  gradient_checkpointing: (value) =>
    value ? 'recompute layers instead of storing them (a third slower)' : undefined,
  load_in_8bit: (value) => (value ? 'keep the frozen weights in 8 bits' : undefined),
  load_in_4bit: (value) => (value ? 'keep the frozen weights in 4 bits' : undefined),
  per_device_train_batch_size: (value) => `${value as number} completions per batch`,
  gradient_accumulation_steps: (value) => `each step in ${value as number} parts`,
  max_completion_length: (value) => `completions of at most ${value as number} tokens`,
  num_generations: (value) => `${value as number} tries for each prompt`,
};

/** The changes of recipe keys in words, most important first. */
export function changeWords(changes: RecipeObject): string[] {
  return Object.entries(changes).flatMap(([key, value]) => WORDS[key]?.(value) ?? []);
}
