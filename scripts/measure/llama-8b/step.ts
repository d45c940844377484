/** The shape and the recipe of the largest model that is trained here: Llama 3.1 8B, an adapter over int4. */
import { planTraining } from '../../../src/app/memory-plan.ts';
import type { MemoryPlan } from '../../../src/gpu/memory.ts';
import type { KernelVariants } from '../../../src/gpu/variants.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { makeRecipe, type Recipe } from '../../../src/rl/recipe/recipe.ts';
import { FAMILIES } from '../limits/families.ts';

export function llama8b(layers: number): ModelConfig {
  return { ...FAMILIES['Llama 3.1 8B']!, layers };
}

/** One prompt of at most `prompt` tokens, and `group` completions of at most `completion` tokens. */
export function recipeOf(sizes: { prompt: number; completion: number; group: number }): Recipe {
  return makeRecipe({
    algorithm: 'grpo',
    model_name_or_path: 'policy',
    reward_funcs: ['length.js'],
    datasets: [{ path: 'json', data_files: 'prompts.jsonl' }],
    use_peft: true,
    lora_r: 16,
    load_in_4bit: true,
    gradient_checkpointing: true,
    beta: 0.04,
    learning_rate: 1e-4,
    warmup_steps: 0,
    max_steps: 1,
    per_device_train_batch_size: sizes.group,
    num_generations: sizes.group,
    max_prompt_length: sizes.prompt,
    max_completion_length: sizes.completion,
  });
}

/** The files that the recipe names. */
export const TEXTS: Readonly<Record<string, string>> = {
  'length.js': 'export default (prompt, response) => response.length;',
  'prompts.jsonl': '{"prompt": "w100 w200 w300 w400 w500 w600"}',
};

/** The memory of the step with the kernels of a graphics card, unless those of another device are given. */
export function planStep(
  config: ModelConfig,
  recipe: Recipe,
  maxBinding: number,
  variants?: KernelVariants,
): MemoryPlan {
  const planned = { config, storage: { layers: 'bf16', tables: 'bf16' } } as const;
  return planTraining(recipe, planned, maxBinding, variants);
}
