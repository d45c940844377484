/** Products in float64, which the kernels are compared with, and what their tests share. */
import type { MatmulLayout } from './matmul-prelude.ts';
import { seeded } from './sandbox.ts';

/** Multiples of 1/32 in [-1, 1): sums of a thousand products of them are exact in f32. */
export function exact(count: number, seed: number): Float32Array {
  return seeded(count, seed).map((x) => Math.floor(32 * x) / 32);
}

export interface Case {
  layout: MatmulLayout;
  m: number;
  n: number;
  k: number;
}

/** Float64 C = A B of the three layouts. */
export function reference(
  { layout, m, n, k }: Case,
  a: Float32Array,
  b: Float32Array,
): Float64Array {
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

export const cardLayouts = ['nt', 'nn', 'tn'] as const;

export function want32(want: Float64Array, plus: (i: number) => number): Float32Array {
  return Float32Array.from(want, (value, i) => value + plus(i));
}

/** The number of tokens is known at replay only: m, or k in layout tn. */
export function dynamic({ layout, m, k }: Case): Partial<Record<'m' | 'k', () => number>> {
  return layout === 'tn' ? { k: () => k } : { m: () => m };
}
