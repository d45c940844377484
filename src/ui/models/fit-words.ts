import type { Use } from '../../app/fit.ts';
import type { RecipeObject, RecipeValue } from '../../rl/recipe/values.ts';

/** The three ways to use a model, for somebody who has never trained one. */
export const USE_WORDS: Record<Use, string> = {
  run: 'Let it write',
  lora: 'Train an adapter (LoRA)',
  full: 'Train all of it',
};

const WORDS: Record<string, (value: RecipeValue) => string | undefined> = {
  use_peft: (value) => (value ? 'train an adapter in place of all weights' : 'train all weights'),
  gradient_checkpointing: (value) =>
    value ? 'work layers out again instead of remembering them (a third slower)' : undefined,
  load_in_8bit: (value) => (value ? 'keep the frozen weights in 8 bits' : undefined),
  load_in_4bit: (value) => (value ? 'keep the frozen weights in 4 bits' : undefined),
  per_device_train_batch_size: (value) => `${value as number} completions at once`,
  gradient_accumulation_steps: (value) => `each step in ${value as number} parts`,
  max_completion_length: (value) => `completions of at most ${value as number} tokens`,
  num_generations: (value) => `${value as number} tries at each prompt`,
};

/** What recipe keys would change, in words, most important first. */
export function changeWords(changes: RecipeObject): string[] {
  return Object.entries(changes).flatMap(([key, value]) => WORDS[key]?.(value) ?? []);
}
