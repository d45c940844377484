import { expect, it } from 'vitest';
import { layerRecipes } from './keys.ts';

it('a layer with other data or another algorithm leaves out the keys that were meant for the old one', () => {
  const base = { algorithm: 'grpo', epsilon: 0.1, beta: 0.04, eval_strategy: 'steps', seed: 1 };
  expect(layerRecipes(base, { seed: 2 })).toEqual({ ...base, seed: 2 });
  expect(layerRecipes(base, { algorithm: 'dpo' })).toEqual({
    algorithm: 'dpo',
    beta: 0.04,
    eval_strategy: 'steps',
    seed: 1,
  });
  const datasets = [{ path: 'json', data_files: 'mine.jsonl' }];
  const own = layerRecipes(base, { datasets });
  expect(own).not.toHaveProperty('eval_strategy');
  expect(layerRecipes(base, { datasets, eval_strategy: 'steps' })).toMatchObject({
    eval_strategy: 'steps',
  });
});
