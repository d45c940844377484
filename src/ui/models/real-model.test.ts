import { expect, it } from 'vitest';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { REAL_MODEL } from './real-model.ts';

it('the recipe of a real model can be trained, and leaves room for an answer', () => {
  const recipe = makeRecipe({
    ...REAL_MODEL,
    ...{ model_name_or_path: 'policy', reward_model_name_or_path: 'reward' },
    datasets: [{ path: 'json', data_files: 'prompts.jsonl' }],
  });
  expect(recipe.max_completion_length - recipe.max_thought_length).toBeGreaterThanOrEqual(64);
  expect(recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps).toBe(16);
});
