import { op, type Bindable, type Kernel, type Op } from '../kernel.ts';
import type { View } from '../memory.ts';
import fours from './fours.wgsl?raw';
import squaresCode from './sum-of-squares.wgsl?raw';
import sumCode from './sum-partials.wgsl?raw';
import { byRows, teamed } from './team.ts';

const squaresKernel = {
  name: 'sum-of-squares',
  code: fours + squaresCode,
  bindings: ['read', 'write'],
  params: { count: 'u32', threads: 'u32' },
  cut: ['x'],
} as const satisfies Kernel;

const sumKernel = {
  name: 'sum-partials',
  code: sumCode,
  bindings: ['read', 'write'],
  params: { count: 'u32' },
} as const satisfies Kernel;

/**
 * How many floats `partials` must hold for buffers of `counts` elements: one per invocation,
 * rounded up to 64 per buffer. There is one invocation for 128 elements, and at most 65,536 per
 * buffer: more would not be faster on a graphics card.
 */
export function partialCount(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + padded(threadsFor(count)), 0);
}

const threadsFor = (count: number): number => Math.min(Math.ceil(count / 128), 65536);

/** The partials of each buffer begin at an offset that WebGPU can bind; the gaps stay zero. */
const padded = (threads: number): number => Math.ceil(threads / 64) * 64;

interface SumOfSquaresLaunch {
  parts: readonly { x: Bindable; count: number }[];
  /** [partialCount(counts)]: scratch, which must be zero before its first use. */
  partials: View;
  /** [1] */
  out: Bindable;
  label?: string;
}

/**
 * out[0] = sum of x[i]^2 over all parts: the squared global norm of a gradient. Deterministic.
 */
export function sumOfSquares<D>({ parts, partials, out, label }: SumOfSquaresLaunch): Op<D>[] {
  let start = 0;
  const squares = parts.map(({ x, count }) => {
    const threads = threadsFor(count);
    const byteOffset = partials.byteOffset + 4 * start;
    start += padded(threads);
    return op<D, (typeof squaresKernel)['params']>(squaresKernel, {
      ...(label && { label }),
      bindings: [x, { buffer: partials.buffer, byteOffset, byteLength: 4 * threads }],
      params: { count, threads },
      grid: () => [Math.ceil(threads / 64)],
      bytes: () => 4 * count,
    });
  });
  return [
    ...squares,
    byRows((variant) => {
      const { kernel, constants } = teamed(sumKernel, variant, {
        loads: start / 4,
        longestAlone: 0,
        sum: 'f32',
      });
      return op<D, (typeof sumKernel)['params']>(kernel, {
        label: label ?? sumKernel.name,
        bindings: [partials, out],
        params: { count: start },
        constants,
        grid: () => [1],
      });
    }),
  ];
}
