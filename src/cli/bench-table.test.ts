import { expect, it } from 'vitest';
import type { BenchResult, LibraryResult } from './bench-result.ts';
import { benchTable } from './bench-table.ts';

const timed = (rate: number): LibraryResult => ({ rate, timings: 3, error: 1e-6 });

const RESULT: BenchResult = {
  adapter: 'Some adapter',
  matmul: [
    {
      ...{ name: 'square 256', m: 256, n: 256, k: 256, transposed: false },
      libraries: { ponder: timed(4e9), 'jax-js': timed(1e9), tfjs: timed(5e8) },
    },
    {
      ...{ name: 'qkv', m: 10, n: 30, k: 20, transposed: true },
      libraries: {
        ponder: timed(3e12),
        'jax-js': timed(2e12),
        tfjs: { rate: null, timings: 0, error: null, expected: 95.4 },
      },
    },
  ],
  step: {
    recipe: 'recipes/x.yaml',
    steps: 3,
    seconds: 2,
    rate: 1.5e9,
    flops: 3e9,
    completionLength: 50.4,
    matmul: { name: 'square 256', rate: 3e9 },
    share: 0.5,
    policy: { dispatches: 1000, submits: 20, readbacks: 10, flops: 2e9 },
    reward: { dispatches: 100, submits: 2, readbacks: 1, flops: 1e9 },
  },
};

it('aligns rates and ratios, and lists what was skipped', () => {
  expect(benchTable(RESULT)).toBe(`Some adapter; GFLOP/s, float32, median of interleaved timings

matmul      shape                   ponder  jax-js  tfjs     vs jax-js  vs tfjs
square 256  256 x 256 by 256 x 256    4.00    1.00     0.50       4.00     8.00
qkv         10 x 20 by (30 x 20)^T    3000    2000  skipped       1.50  -
skipped, since one product would take too long: tfjs at qkv (about 95 s)

GRPO step of recipes/x.yaml (3 steps, completions of 50 tokens on average)
seconds                                                2.00
useful GFLOP                                           3.00
GFLOP/s                                                1.50
GFLOP/s of matmul square 256, timed between the steps  3.00
share of it                                            0.50
policy: 1000 dispatches, 20 submits, 10 readbacks
reward: 100 dispatches, 2 submits, 1 readbacks
`);
});
