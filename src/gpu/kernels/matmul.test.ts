import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../device.ts';
import { openNodeGpu } from '../node.ts';
import { Program } from '../program.ts';
import { matmul, type MatmulLayout } from './matmul.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

/** Multiples of 1/32 in [-1, 1): sums of a thousand products of them are exact in f32. */
function fill(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 26) - 32) / 32;
  });
}

interface Case {
  layout: MatmulLayout;
  m: number;
  n: number;
  k: number;
}

/** Float64 C = A B of the three layouts. */
function reference({ layout, m, n, k }: Case, a: Float32Array, b: Float32Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let l = 0; l < k; l++) {
        const x = a[layout === 'tn' ? l * m + i : i * k + l] as number;
        const y = b[layout === 'nt' ? j * k + l : l * n + j] as number;
        c[i * n + j]! += x * y;
      }
    }
  }
  return c;
}

const SIZES = [
  [1, 1, 1],
  [5, 3, 7],
  [33, 17, 29],
  [64, 64, 64],
  [70, 48, 96],
  [48, 168, 301],
  [130, 99, 20],
] as const;

describe.each(['nt', 'nn', 'tn'] as const)('%s', (layout) => {
  it.each(SIZES)('%i x %i x %i', async (m, n, k) => {
    const [x, y, z, start] = [fill(m * k, 1), fill(k * n, 2), fill(n, 3), fill(m * n, 4)] as const;
    const inputs = [x, y, z].map((data) => {
      const view = gpu.allocate('io', data.byteLength, 'input');
      gpu.upload(view, data);
      return view;
    });
    const [a, b, bias] = inputs as [(typeof inputs)[0], (typeof inputs)[0], (typeof inputs)[0]];
    const outputs = [0, 1, 2].map(() => {
      const view = gpu.allocate('io', m * n * 4, 'output');
      gpu.upload(view, start);
      return view;
    });
    const [plain, accumulated, biased] = outputs as typeof inputs & [(typeof inputs)[0]];
    const size = { layout, a, b, m, n, k: (d: { k: number }) => d.k };
    const program = await Program.compile(gpu, [
      matmul({ ...size, c: plain }),
      matmul({ ...size, c: accumulated!, accumulate: true }),
      matmul({ ...size, c: biased!, bias }),
    ]);
    program.run({ k });
    const got = (await gpu.read(...outputs)).map((bytes) =>
      new Float32Array(bytes).subarray(0, m * n),
    );
    const want = reference({ layout, m, n, k }, x, y);
    expect(got[0]).toEqual(Float32Array.from(want));
    expect(got[1]).toEqual(Float32Array.from(want, (v, i) => v + start[i]!));
    expect(got[2]).toEqual(Float32Array.from(want, (v, i) => v + z[i % n]!));
    for (const view of [...inputs, ...outputs]) gpu.release('io', view);
  });
});
