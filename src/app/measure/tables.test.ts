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
    ...['work', 'sizes', 'ms', 'GPU ms', 'GFLOP/s', 'of the ceiling'],
    ...['times jax-js', 'times tfjs'],
  ]);
  expect(rows).toEqual([
    [
      ...['square 256', '256 x 256 by 256 x 256', '10', '9', '4'],
      ...['40% of multiply-adds', '3.00', 'skipped'],
    ],
    [
      ...['square 512', '512 x 512 by 512 x 512', '100', '', '4'],
      ...['40% of multiply-adds', '5.00', ''],
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
    ['2M, f32, batch 1', '4 layers', '20', '', '50', '0.2', '5.0% of bandwidth'],
  ]);
});

it('says how far the losses agree, and what a GRPO step submits', () => {
  expect(table('training').notes).toEqual([
    '0.5M, 8 x 64 tokens: the losses of the libraries differ by 2e-6 at most.',
  ]);
  expect(table('grpo').notes).toEqual([
    'recipes/x.yaml: 1000 dispatches, 20 submits and 10 readbacks per step, in 118 MB of GPU memory.',
    'recipes/x.yaml: 0.50 of the rate of our best matrix product (square 512, 4 GFLOP/s, timed ' +
      'between the steps).',
  ]);
});

it('shows the GPU time of the launches', () => {
  expect(kernelTable(EXAMPLE.rows.at(-1)!).rows).toEqual([
    ['gate-up', '10', '1500', '75%', '2'],
    ['swiglu', '10', '500', '25%', ''],
  ]);
});

it('names the adapter, its ceilings and the clock', () => {
  expect(summaryLines(EXAMPLE)).toEqual([
    'maker small Some card',
    'Ceilings: 10 GFLOP/s in float32, no float16, 5 GB/s',
    'GPU timestamps in steps of 100 microseconds; measured in 1 min 40 s on 2026-11-28',
  ]);
});
