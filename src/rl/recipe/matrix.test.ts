import { describe, expect, it } from 'vitest';
import { matrixRuns } from './matrix.ts';
import { parseRecipe } from './recipe.ts';

const BASE = `model_name_or_path: public/models/policy
world: meal-planner
reward_weights: [1]
`;
const GRID = `${BASE}matrix:
  thinking: [true, false]
  reward_funcs: [[rules/a.js], rules/b.js]
  system_prompt: ["yes", "1"]
`;

const list = (length: number): string => JSON.stringify(Array.from({ length }, (_, i) => i));

describe('a recipe with a matrix', () => {
  it('has a run for each combination, whose command makes the same recipe', () => {
    const runs = matrixRuns(GRID, 'grid.yaml', { seed: '7' });
    expect(runs.map(({ name }) => name)).toEqual([
      'thinking-true_reward_funcs-a.js_system_prompt-yes',
      'thinking-true_reward_funcs-a.js_system_prompt-1',
      'thinking-true_reward_funcs-b.js_system_prompt-yes',
      'thinking-true_reward_funcs-b.js_system_prompt-1',
      'thinking-false_reward_funcs-a.js_system_prompt-yes',
      'thinking-false_reward_funcs-a.js_system_prompt-1',
      'thinking-false_reward_funcs-b.js_system_prompt-yes',
      'thinking-false_reward_funcs-b.js_system_prompt-1',
    ]);
    for (const { recipe, overrides } of runs) {
      expect(parseRecipe(GRID, 'grid.yaml', overrides).recipe).toEqual(recipe);
    }
    expect(runs[5]!.recipe).toMatchObject({
      ...{ thinking: false, reward_funcs: ['rules/a.js'], system_prompt: '1', seed: 7 },
      reward_weights: [1],
    });
    expect(runs[2]!.recipe.reward_funcs).toEqual(['rules/b.js']);
  });

  it('has fewer runs where the command line gives one value', () => {
    const runs = matrixRuns(GRID, 'grid.yaml', { thinking: 'false', system_prompt: 'x' });
    expect(runs.map(({ name }) => name)).toEqual(['reward_funcs-a.js', 'reward_funcs-b.js']);
    expect(runs.every(({ recipe }) => !recipe.thinking && recipe.system_prompt === 'x')).toBe(true);
  });

  it.each([
    ['a text', `${BASE}matrix: seed`, /line 4: matrix must have keys with lists/],
    ['one value', `${BASE}matrix: {seed: 3}`, /line 4: seed in matrix must be a list/],
    ['no value', `${BASE}matrix: {seed: []}`, /seed in matrix must be a list/],
    [
      'a key twice',
      `${BASE}matrix: {world: [meal-planner]}`,
      /world is in the recipe and in matrix/,
    ],
    ['a wrong key', `${BASE}matrix: {sed: [1]}`, /unknown key sed; did you mean seed/],
    ['a wrong value', `${BASE}reward_funcs: a.js\nmatrix: {seed: [1, -1]}`, /seed is -1/],
    ['a value twice', `${BASE}reward_funcs: a.js\nmatrix: {seed: [1, 1]}`, /two runs .* seed-1;/],
    ['nothing', `${BASE}reward_funcs: a.js`, /has no matrix/],
    [
      'too much',
      `${BASE}matrix: {seed: ${list(999)}, max_steps: ${list(99)}}`,
      /98901 runs; 10000/,
    ],
  ])('is refused with %s', (_, text, message) => {
    expect(() => matrixRuns(text, 'grid.yaml', {})).toThrow(message);
  });

  it('is not trained as one run', () => {
    expect(() => parseRecipe(GRID, 'grid.yaml', { thinking: 'true' })).toThrow(
      'grid.yaml, line 4: matrix has lists for many runs; train all of them with `ponder train --matrix`, or one ' +
        'with --reward_funcs VALUE --system_prompt VALUE.',
    );
  });
});
