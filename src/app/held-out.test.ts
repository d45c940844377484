import { expect, it } from 'vitest';
import { makeRecipe, type Recipe } from '../rl/recipe/recipe.ts';
import { splitOf } from '../rl/world/prompts.ts';
import { heldOutPrompts } from './held-out.ts';

const ROWS = [
  { prompt: 'tea?', answer: 1 },
  { prompt: 'more?', answer: 2 },
  { prompt: 'tea?', answer: 1 },
];
const read = (): Promise<string> =>
  Promise.resolve(ROWS.map((row) => JSON.stringify(row)).join('\n'));

function recipeOf(data: object): Recipe {
  const models = { model_name_or_path: 'policy', reward_model_name_or_path: 'judge' };
  return makeRecipe({ algorithm: 'grpo', ...models, ...data });
}
const withFiles = (...splits: string[]): Recipe =>
  recipeOf({ datasets: splits.map((split) => ({ path: 'json', data_files: split, split })) });

it('draws prompts of a world that training never draws', async () => {
  const world = recipeOf({ world: 'meal-planner' });
  const prompts = await heldOutPrompts(world, 3, 1, read);
  expect(prompts.map(({ prompt }) => splitOf(prompt))).toEqual([
    'held-out',
    'held-out',
    'held-out',
  ]);
  expect(await heldOutPrompts(world, 3, 2, read)).not.toEqual(prompts);
});

it('has each held-out prompt of a file once, with its other columns', async () => {
  const prompts = await heldOutPrompts(withFiles('train', 'test'), 99, 1, read);
  expect(new Set(prompts)).toEqual(
    new Set([
      { prompt: 'tea?', columns: { answer: 1 } },
      { prompt: 'more?', columns: { answer: 2 } },
    ]),
  );
  expect(await heldOutPrompts(withFiles('train', 'test'), 1, 1, read)).toHaveLength(1);
});

it('refuses a run that holds none out', async () => {
  await expect(heldOutPrompts(withFiles('train'), 9, 1, read)).rejects.toThrow(/ten or more/);
});
