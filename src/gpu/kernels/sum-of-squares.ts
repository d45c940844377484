import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import squaresCode from './sum-of-squares.wgsl?raw';
import sumCode from './sum-partials.wgsl?raw';

const squaresKernel = {
  name: 'sum-of-squares',
  code: squaresCode,
  bindings: ['read', 'write'],
  params: { count: 'u32' },
} as const satisfies Kernel;

const sumKernel = {
  name: 'sum-partials',
  code: sumCode,
  bindings: ['read', 'write'],
  params: { count: 'u32' },
} as const satisfies Kernel;

/** Elements one workgroup of the first stage sums: BLOCK of sum-of-squares.wgsl. */
const BLOCK = 4096;

/** How many floats `partials` must hold for `count` elements. */
export function partialCount(count: number): number {
  return Math.ceil(count / BLOCK);
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
  const blocks = (d: D) => partialCount(resolve(count, d));
  return [
    op<D, (typeof squaresKernel)['params']>(squaresKernel, {
      ...(label && { label }),
      bindings: [x, partials],
      params: { count },
      grid: (d) => foldGrid(blocks(d)),
    }),
    op<D, (typeof sumKernel)['params']>(sumKernel, {
      ...(label && { label }),
      bindings: [partials, out],
      params: { count: blocks },
      grid: () => [1],
    }),
  ];
}
