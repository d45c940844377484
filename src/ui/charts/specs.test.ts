import { expect, it } from 'vitest';
import { chartsFor, leadingChart } from './specs.ts';

const keysOf = (keys: string[]): string[] => leadingChart(keys).lines.map(({ key }) => key);

it('the first chart is of the learner: on prompts kept aside where it does not write what it learns from', () => {
  expect(keysOf(['reward', 'gold', 'eval_reward'])).toEqual(['reward', 'gold']);
  expect(keysOf(['samples/reward', 'eval_reward', 'eval_gold'])).toEqual([
    'eval_reward',
    'eval_gold',
  ]);
  expect(keysOf([])).toEqual(['reward', 'gold']);
});

it('charts that only some runs have are drawn for those', () => {
  const title = 'Does the judge side with people?';
  const titles = (keys: string[]): string[] => chartsFor(keys).map((chart) => chart.title);
  expect(titles(['reward', 'kl'])).not.toContain(title);
  expect(titles(['loss', 'eval_accuracy'])).toContain(title);
});
