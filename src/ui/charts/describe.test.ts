import { describe, expect, it } from 'vitest';
import { describeChart, spreadRows } from './describe.ts';
import { MetricTable } from './metric-table.ts';
import type { ChartSpec } from './specs.ts';

describe('describeChart', () => {
  const spec: ChartSpec = {
    title: 'Better?',
    note: '',
    lines: [{ key: 'a', label: 'A', colour: 'ink', axis: 'left', format: (v) => String(v) }],
  };
  const table = (values: (number | undefined)[]): MetricTable =>
    new MetricTable(values.map((a, i) => ({ step: i + 1, ...(a !== undefined && { a }) })));

  it('names ends and extremes with their steps', () => {
    expect(describeChart(spec, table([5, 1, 9, 7]))).toBe(
      'Better? A: from 5 at step 1 to 7 at step 4; lowest 1 at step 2, highest 9 at step 3.',
    );
  });
  it('describes the runs drawn over it, where they have values', () => {
    const named = { id: 'x', letter: 'B', label: 'Other', colour: 'run-1' };
    const overlay = { ...named, table: table([2]), sameReward: true, sameGold: true };
    const empty = { ...overlay, letter: 'C', table: table([undefined]) };
    expect(describeChart(spec, table([6]), [overlay, empty])).toBe(
      'Better? A: 6 at step 1. Run B, Other: A: 2 at step 1.',
    );
  });
  it('has words for one value and for none', () => {
    expect(describeChart(spec, table([undefined, 6]))).toBe('Better? A: 6 at step 2.');
    expect(describeChart(spec, table([]))).toBe('Better? A: no values yet.');
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
