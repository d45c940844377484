import { describe, expect, it } from 'vitest';
import type { MetricsRow } from '../../rl/report.ts';
import { indexAt, judgedBy, meanOfLast, MetricTable, valueAt } from './metric-table.ts';

describe('MetricTable', () => {
  it('keeps sparse metrics sparse, and takes what is no finite number for absent', () => {
    const rows = [{ a: 1 }, {}, { a: null, b: 5 }, { a: NaN }, { a: 0 }];
    const table = new MetricTable(
      rows.map((row, i) => ({ ...row, step: i + 1 }) as unknown as MetricsRow),
    );
    expect(table.column('a')).toEqual([1, null, null, null, 0]);
    expect(table.column('b')).toEqual([null, null, 5, null, null]);
    expect(table.column('c')).toBeUndefined();
    expect(table.keys).toEqual(['a', 'b']);
  });

  it('counts steps, seconds and tokens', () => {
    const table = new MetricTable([
      { step: 1, step_time: 2, num_tokens: 100 },
      { step: 2, step_time: 3, num_tokens: 250 },
      { step: 3 },
    ]);
    expect(table.x).toEqual({ step: [1, 2, 3], time: [2, 5, 5], tokens: [100, 250, 250] });
  });

  it('appends in place: a column that was handed out grows', () => {
    const table = new MetricTable([{ step: 1, a: 1 }]);
    const column = table.column('a');
    table.append({ step: 2, a: 7 });
    expect(table.column('a')).toBe(column);
    expect(column).toEqual([1, 7]);
  });

  it('knows ends and extremes without reading a column again', () => {
    const table = new MetricTable([5, 1, 9, 7].map((a, i) => ({ step: 10 * (i + 1), a })));
    expect(table.extent('a')).toEqual({
      count: 4,
      first: { value: 5, step: 10 },
      last: { value: 7, step: 40 },
      low: { value: 1, step: 20 },
      high: { value: 9, step: 30 },
    });
  });
});

it('valueAt looks back over gaps, never ahead', () => {
  const series = [null, 2, null, 4];
  expect([0, 1, 2, 3, 9].map((i) => valueAt(series, i))).toEqual([null, 2, 2, 4, 4]);
});

it('indexAt finds the last x that is not beyond', () => {
  const x = [1, 3, 3, 8];
  expect([0, 1, 2, 3, 7, 8, 99].map((at) => indexAt(x, at))).toEqual([-1, 0, 0, 2, 2, 3, 3]);
});

it('meanOfLast counts values, not rows', () => {
  expect(meanOfLast([1, null, 3, null, 5], 2)).toBe(4);
  expect(meanOfLast([1, 3], 10)).toBe(2);
  expect(meanOfLast([null], 3)).toBeNull();
});

it('a run that has only evaluations is judged by them', () => {
  const start = { step: 0, eval_reward: 1 };
  expect(judgedBy(new MetricTable([start]))).toBe('');
  expect(judgedBy(new MetricTable([start, { step: 1, reward: 2 }]))).toBe('');
  expect(judgedBy(new MetricTable([start, { step: 1, 'samples/reward': 2 }]))).toBe('eval_');
  expect(
    judgedBy(
      new MetricTable([
        { step: 1, loss: 1 },
        { step: 2, loss: 1 },
      ]),
    ),
  ).toBe('');
});
