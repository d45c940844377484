import { expect, it } from 'vitest';
import { EXAMPLE } from '../app/measure/example.ts';
import { benchText } from './bench-text.ts';

it('aligns the tables, with their notes and the GPU times of launches', () => {
  const text = benchText(EXAMPLE);
  expect(text).toContain(`Matrix products
work        sizes                   ms   timings  GPU ms  GFLOP/s  of the ceiling        times jax-js     times tfjs
square 256  256 x 256 by 256 x 256   10        5       9        4  40% of multiply-adds             3.00  skipped
square 512  512 x 512 by 512 x 512  100        3                4  40% of multiply-adds  5.00 (1 timing)
tfjs was skipped at square 256: it would take about 2 min each time.
`);
  expect(text).toContain(`GPU time of recipes/x.yaml
launch   number  GPU ms  of all  GFLOP/s
gate-up      10    1500  75%           2
swiglu       10     500  25%
`);
});
