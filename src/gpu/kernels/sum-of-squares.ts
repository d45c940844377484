import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import squaresCode from './sum-of-squares.wgsl?raw';
import sumCode from './sum-partials.wgsl?raw';

const squaresKernel = {
  name: 'sum-of-squares',
  code: squaresCode,
  bindings: ['read', 'write'],
  params: { count: 'u32', threads: 'u32' },
} as const satisfies Kernel;

const sumKernel = {
  name: 'sum-partials',
  code: sumCode,
  bindings: ['read', 'write'],
  params: { count: 'u32' },
} as const satisfies Kernel;

/**
 * How many floats `partials` must hold for `count` elements: one for 128 elements, as far as there
 * are more elements than a graphics card has use for invocations.
 */
export function partialCount(count: number): number {
  return Math.min(Math.ceil(count / 128), 65536);
}

export interface SumOfSquaresLaunch<D> {
  /** [count] */
  x: Bindable;
  /** [partialCount(count)], scratch. */
  partials: Bindable;
  /** [1] */
  out: Bindable;
  count: Dyn<D>;
  label?: string;
}

/** out[0] = sum of x[i]^2: the squared global norm of a pool of gradients. Repeatable to the bit. */
export function sumOfSquares<D>(launch: SumOfSquaresLaunch<D>): Op<D>[] {
  const { x, partials, out, count, label } = launch;
  const threads = (d: D) => partialCount(resolve(count, d));
  return [
    op<D, (typeof squaresKernel)['params']>(squaresKernel, {
      ...(label && { label }),
      bindings: [x, partials],
      params: { count, threads },
      grid: (d) => [Math.ceil(threads(d) / 64)],
    }),
    op<D, (typeof sumKernel)['params']>(sumKernel, {
      ...(label && { label }),
      bindings: [partials, out],
      params: { count: threads },
      grid: () => [1],
    }),
  ];
}
