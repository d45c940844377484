import { expect, it } from 'vitest';
import { MetricTable } from '../charts/metric-table.ts';
import { compareRuns, pairing } from './compare.ts';
import type { ListedRun } from './listed-run.svelte.ts';

const run = (final: Record<string, number>, seconds: number, gold = 'meal-planner'): ListedRun =>
  ({
    final: (key: string) => final[key] ?? null,
    recipe: { gold },
    table: new MetricTable([{ step: 1, step_time: seconds }]),
  }) as unknown as ListedRun;

it('compares what at least one run has measured', () => {
  const rows = compareRuns([run({ reward: -0.2, gold: 1.65 }, 90), run({ reward: -0.67 }, 60)]);
  expect(rows).toEqual([
    { label: 'Reward', values: ['−0.20', '−0.67'], difference: '+0.47' },
    { label: 'Gold, the hidden true score', values: ['1.65', '–'] },
    { label: 'Time trained', values: ['1 min 30 s', '60 s'].map((t) => t.replace('60 s', '1 min')), difference: '+30 s' },
  ]);
});

it('says whose gold it is', () => {
  const label = (...golds: string[]) =>
    compareRuns(golds.map((gold) => run({ gold: 1 }, 1, gold)))[0]!.label;
  expect(label('stored:mine')).toBe('Gold, a judge that was not trained on');
  expect(label('stored:mine', 'meal-planner')).toBe('Gold, another judge for each run');
});

it('says whether two runs saw the same prompts', () => {
  const base = { seed: 0, world: 'meal-planner', num_generations: 8 };
  expect(pairing(base, { ...base, thinking: false })).toMatch(/^Same seed and same prompts/);
  expect(pairing(base, { ...base, seed: 1 })).toMatch(/^Note that seed differs/);
  expect(pairing(base, { ...base, seed: 1, num_generations: 2 })).toMatch(
    /seed and num_generations differ,/,
  );
});
