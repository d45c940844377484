import { expect, it } from 'vitest';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { MetricTable } from '../charts/metric-table.ts';
import { compareRuns, pairing, standing, type ComparableRun } from './compare.ts';

const reward = { reward_model_name_or_path: 'public/models/reward' };

/** A run with the same values at each of its steps, each of which takes `seconds`. */
const run = (
  values: Record<string, number>,
  steps: number,
  seconds: number,
  recipe: RecipeValues = { ...reward, gold: 'meal-planner' },
): ComparableRun => ({
  letter: 'A',
  recipe,
  table: new MetricTable(
    Array.from({ length: steps }, (_, i) => ({ step: i + 1, step_time: seconds, ...values })),
  ),
});

it('compares what at least one run has measured', () => {
  const rows = compareRuns([
    run({ reward: -0.2, gold: 1.65 }, 1, 90),
    run({ reward: -0.67 }, 1, 60),
  ]);
  expect(rows).toEqual([
    { label: 'Reward', values: ['−0.20', '−0.67'], difference: '+0.47' },
    { label: 'Gold, the hidden true score', values: ['1.65', '–'] },
    { label: 'Time trained', values: ['1 min 30 s', '1 min'], difference: '+30 s' },
  ]);
});

it('compares two runs of different length where both stand', () => {
  const rising = (steps: number, letter: string): ComparableRun => ({
    letter,
    recipe: reward,
    table: new MetricTable(
      Array.from({ length: steps }, (_, i) => ({
        step: i + 1,
        reward: i / 10,
        // Each is evaluated at every tenth step, and at its last.
        ...(((i + 1) % 10 === 0 || i + 1 === steps) && { eval_reward: i }),
      })),
    ),
  });
  const [short, long] = [rising(25, 'A'), rising(100, 'B')];
  const rows = compareRuns([short, long]);
  expect(rows.map(({ label, difference }) => [label, difference])).toEqual([
    ['Reward', '0.00'],
    ['Reward on held-out prompts', '0.00'],
  ]);
  expect(rows[1]!.values).toEqual(['19.00', '19.00']);
  expect(standing([short, long])).toBe(
    'They are compared at step 25, the last that all have done: A has 25 steps, B has 100 steps.',
  );
  expect(standing([short, short])).toBe('All are compared at step 25, their last.');
});

it('says whose gold it is', () => {
  const label = (...golds: string[]) =>
    compareRuns(golds.map((gold) => run({ gold: 1 }, 1, 0, { gold })))[0]!;
  expect(label('stored:mine').label).toBe('Gold, a judge that was not trained on');
  expect(label('stored:mine', 'meal-planner')).toEqual({
    label: 'Gold (another judge for each run)',
    values: ['1.00', '1.00'],
  });
});

it('takes no difference between scores of different rewards', () => {
  const other = { reward_funcs: ['stored:short.js'] };
  const [row] = compareRuns([run({ reward: 1 }, 1, 0), run({ reward: 2 }, 1, 0, other)]);
  expect(row).toEqual({
    label: 'Reward (another judge for each run)',
    values: ['1.00', '2.00'],
  });
});

it('says whether two runs saw the same prompts', () => {
  const base = { seed: 0, world: 'meal-planner', num_generations: 8 };
  expect(pairing(base, { ...base, thinking: false })).toMatch(/^Same seed and same prompts/);
  expect(pairing(base, { ...base, seed: 1 })).toMatch(/^Note that seed differs/);
  expect(pairing(base, { ...base, seed: 1, num_generations: 2 })).toMatch(
    /seed and num_generations differ,/,
  );
});
