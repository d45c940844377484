import { describe, expect, it } from 'vitest';
import type { StepReport } from '../../rl/protocol.ts';
import { columnOf, describeChart, spreadRows, valueAt } from './columns.ts';
import type { ChartSpec } from './specs.ts';

const report = (metrics: Record<string, unknown>): StepReport =>
  ({ metrics, group: { prompt: '', samples: [], mean: 0, std: 0 } }) as unknown as StepReport;

describe('columnOf', () => {
  it('is null where a value is absent or not finite', () => {
    const reports = [{ a: 1 }, {}, { a: null }, { a: NaN }, { a: 0 }].map(report);
    expect(columnOf(reports, 'a')).toEqual([1, null, null, null, 0]);
  });
});

describe('valueAt', () => {
  it('looks back over gaps, never ahead', () => {
    const series = [null, 2, null, 4];
    expect([0, 1, 2, 3, 9].map((i) => valueAt(series, i))).toEqual([null, 2, 2, 4, 4]);
  });
});

describe('describeChart', () => {
  const spec: ChartSpec = {
    title: 'Better?',
    note: '',
    lines: [{ key: 'a', label: 'A', colour: 'ink', axis: 'left', format: (v) => String(v) }],
  };
  it('names ends and extremes with their steps', () => {
    expect(describeChart(spec, [1, 2, 3, 4], [[5, 1, 9, 7]])).toBe(
      'Better? A: from 5 at step 1 to 7 at step 4; lowest 1 at step 2, highest 9 at step 3.',
    );
  });
  it('has words for one value and for none', () => {
    expect(describeChart(spec, [1, 2], [[null, 6]])).toBe('Better? A: 6 at step 2.');
    expect(describeChart(spec, [], [[]])).toBe('Better? A: no values yet.');
  });
});

describe('spreadRows', () => {
  it('keeps the ends, without repeats', () => {
    expect(spreadRows(3, 5)).toEqual([0, 1, 2]);
    const rows = spreadRows(100, 12);
    expect(rows).toHaveLength(12);
    expect([rows[0], rows.at(-1)]).toEqual([0, 99]);
    expect(new Set(rows).size).toBe(12);
  });
});
