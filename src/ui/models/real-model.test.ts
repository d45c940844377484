import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { REAL_MODEL } from './real-model.ts';

const recipeFile = (name: string): unknown =>
  parse(readFileSync(`recipes/real/${name}.yaml`, 'utf8'));

it('the recipe of a real model can be trained, and leaves room for an answer', () => {
  const recipe = makeRecipe({
    ...REAL_MODEL,
    ...{ model_name_or_path: 'policy', reward_model_name_or_path: 'reward' },
    datasets: [{ path: 'json', data_files: 'prompts.jsonl' }],
  });
  expect(recipe.max_completion_length - recipe.max_thought_length).toBeGreaterThanOrEqual(64);
  expect(recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps).toBe(16);
});

it('has the values of recipes/real, where only the thought and its room differ', () => {
  const think = recipeFile('think') as typeof REAL_MODEL;
  expect(think).toMatchObject(REAL_MODEL);
  const { max_thought_length, ...others } = think;
  expect(max_thought_length).toBe(48);
  expect(recipeFile('nothink')).toEqual({ ...others, thinking: false, max_completion_length: 64 });
});
