import { describe, expect, it } from 'vitest';
import { axisRange } from './axes.ts';
import { MetricTable } from './metric-table.ts';
import { LineData, overlayLines, positiveScales } from './series.ts';
import type { Line } from './specs.ts';

const line = (key: string, axis: Line['axis'] = 'left'): Line => ({
  key,
  label: key,
  colour: 'ink',
  axis,
  format: String,
});

describe('LineData', () => {
  it('follows a table as it grows, and restarts with another', () => {
    const table = new MetricTable([{ step: 1, a: 1 }]);
    const data = new LineData('a', 0);
    expect(data.read(table).smoothed).toEqual([1]);
    table.append({ step: 2, a: 5 });
    expect(data.read(table).smoothed).toEqual([1, 5]);
    expect(data.read(new MetricTable([{ step: 1, a: 7 }])).smoothed).toEqual([7]);
  });
  it('begins at step 0 with the evaluation before training', () => {
    const table = new MetricTable([
      { step: 0, eval_reward: 1 },
      { step: 1, reward: 2 },
      { step: 2, reward: 3, eval_reward: 4 },
    ]);
    expect(new LineData('eval_reward', 0).read(table).smoothed).toEqual([1, null, 4]);
    const { step } = table.x;
    expect(axisRange('step', step[0]!, step.at(-1)!, 2)).toEqual([0, 2]);
  });
  it('waits for a metric that comes late', () => {
    const table = new MetricTable([{ step: 1 }]);
    const data = new LineData('a', 0);
    expect(data.read(table).raw).toEqual([]);
    table.append({ step: 2, a: 3 });
    expect(data.read(table).smoothed).toEqual([null, 3]);
  });
});

it('overlayLines leaves out what a run has not measured', () => {
  const overlay = {
    id: 'x',
    letter: 'B',
    label: 'Other',
    colour: 'run-1',
    table: new MetricTable([{ step: 1, a: 2 }]),
    sameReward: true,
    sameGold: true,
  };
  const lines = overlayLines([overlay], [line('a'), line('b')], 0);
  expect(lines.map(({ line: { key }, smoothed }) => [key, smoothed])).toEqual([['a', [2]]]);
});

it('overlayLines leaves out the scores of another judge, and nothing else', () => {
  const row = { step: 1, reward: 1, 'rewards/polite/mean': 1, eval_gold: 2, kl: 3 };
  const named = { id: 'x', letter: 'B', label: 'Other', colour: 'run-1' };
  const keys = (sameReward: boolean, sameGold: boolean): string[] =>
    overlayLines(
      [{ ...named, table: new MetricTable([row]), sameReward, sameGold }],
      Object.keys(row).map((key) => line(key)),
      0,
    ).map(({ line: { key } }) => key);
  expect(keys(true, true)).toEqual(['reward', 'rewards/polite/mean', 'eval_gold', 'kl']);
  expect(keys(false, true)).toEqual(['eval_gold', 'kl']);
  expect(keys(true, false)).toEqual(['reward', 'rewards/polite/mean', 'kl']);
});

it('positiveScales are those whose every value has a logarithm, other runs’ too', () => {
  const table = new MetricTable([
    { step: 1, a: 0.1, zero: 0, b: 5 },
    { step: 2, a: 3, zero: 1, b: 4 },
  ]);
  const scales = (tables: MetricTable[], ...lines: Line[]) => [...positiveScales(lines, tables)];
  expect(scales([table], line('a'))).toEqual(['left']);
  expect(scales([table], line('a'), line('zero'))).toEqual([]);
  expect(scales([table], line('zero'), line('b', 'right'))).toEqual(['right']);
  expect(scales([table, new MetricTable([{ step: 1, a: -1 }])], line('a'))).toEqual([]);
  expect(scales([table], line('missing'))).toEqual([]);
});
