import { expect, it } from 'vitest';
import { EXAMPLE } from './example.ts';
import { kernelTable, resultTables, summaryLines } from './tables.ts';

const table = (group: string) => resultTables(EXAMPLE).find((one) => one.group === group)!;

it('has one table for each group that was measured', () => {
  expect(resultTables(EXAMPLE).map(({ group }) => group)).toEqual([
    ...['matmul', 'decoding', 'training', 'grpo'],
  ]);
});

it('shows times, rates, the share of the ceiling, and the other libraries', () => {
  const { header, rows, shares, notes } = table('matmul');
  expect(header).toEqual([
    ...['work', 'sizes', 'ms', 'timings', 'GPU ms', 'GFLOP/s', 'of the ceiling'],
    ...['times jax-js', 'times tfjs'],
  ]);
  expect(rows).toEqual([
    [
      ...['square 256', '256 x 256 by 256 x 256', '10', '5', '9', '4'],
      ...['40% of multiply-adds', '3.00', 'skipped'],
    ],
    [
      ...['square 512', '512 x 512 by 512 x 512', '100', '3', '', '4'],
      ...['40% of multiply-adds', '5.00 (1 timing)', ''],
    ],
  ]);
  expect(shares).toEqual([0.4, 0.4]);
  expect(notes).toEqual([
    'tfjs was skipped at square 256: it would take about 2 min each time.',
    'square 4096 was skipped: it would take about 40 s each time.',
  ]);
});

it('shows tokens per second, and the bound of work that waits for memory', () => {
  expect(table('decoding').rows).toEqual([
    ['2M, f32, batch 1', '4 layers', '20', '6', '', '50', '0.2', '5.0% of bandwidth'],
  ]);
});

it('says which tokens a rate counts', () => {
  const heading = (group: string) => table(group).header[5];
  expect(heading('decoding')).toBe('tokens/s written');
  expect(heading('training')).toBe('tokens/s read');
  expect(heading('grpo')).toBe('tokens/s written');
});

it('says how far the losses agree, and what a step submits', () => {
  expect(table('decoding').notes).toEqual([
    '2M, f32, batch 1: 22.5 dispatches, 0.25 submits and 0.125 readbacks per token of each ' +
      'sequence, with its share of the prompt; 9.0 MB of GPU memory at the peak.',
  ]);
  expect(table('training').notes).toEqual([
    '0.5M, 8 x 64 tokens: the losses of the libraries differ by 2e-6 at most.',
    '0.5M, 8 x 64 tokens: 75 dispatches, 4 submits and 2 readbacks per step; 31 MB of GPU memory at the peak.',
  ]);
  expect(table('grpo').notes).toEqual([
    'recipes/x.yaml: 1000 dispatches, 20 submits and 10 readbacks per step; 118 MB of GPU memory at the peak.',
    'recipes/x.yaml: 0.50 of the rate of our fastest square product (square 512, 4 GFLOP/s, timed ' +
      'between the steps).',
  ]);
});

it('shows the GPU time of the launches', () => {
  expect(kernelTable(EXAMPLE.rows.at(-1)!).rows).toEqual([
    ['gate-up', '10', '1500', '75%', '2'],
    ['swiglu', '10', '500', '25%', ''],
  ]);
});

it('names the adapter, its ceilings, the clock and the commit', () => {
  expect(summaryLines(EXAMPLE)).toEqual([
    'maker small Some card',
    'Ceilings: 10 GFLOP/s in float32, 5 GB/s',
    'GPU timestamps in steps of 100 microseconds; measured in 1 min 40 s on 2026-11-28, by Ponder at ' +
      'commit 0123456789',
  ]);
  const commit = (ponder: string | null) => summaryLines({ ...EXAMPLE, ponder }).at(-1);
  expect(commit('0123456789abcdef-dirty')).toMatch(/by Ponder at commit 0123456789 with changes$/);
  expect(commit(null)).toMatch(/by Ponder at an unknown commit$/);
});

it('says of the float16 ceiling that nothing uses it', () => {
  const lines = summaryLines({ ...EXAMPLE, ceilings: { ...EXAMPLE.ceilings, f16: 20e9 } });
  expect(lines[2]).toMatch(/^20 GFLOP\/s in float16, which no row uses: /);
});

it('says that other work disturbed the measurement where something is faster than a ceiling', () => {
  const withShare = (share: number) => ({
    ...EXAMPLE,
    rows: EXAMPLE.rows.map((row, i) => (i === 0 ? { ...row, share } : row)),
  });
  expect(summaryLines(withShare(1.33)).at(-1)).toMatch(/^Some shares are above 100%/);
  expect(summaryLines(withShare(1.02)).at(-1)).not.toMatch(/above 100%/);
});
