/**
 * Matrix products in the three layouts a linear layer needs forward and backward. There is one
 * kernel for graphics cards and one for adapters on the CPU; the device chooses when a program is
 * compiled.
 */
import type { Gpu } from '../device.ts';
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Grid,
  type Kernel,
  type Op,
} from '../kernel.ts';
import { matmulPrelude, type MatmulMemory } from './matmul-prelude.ts';
import quad from './matmul-quad.wgsl?raw';
import tiled from './matmul-tiled.wgsl?raw';

/** How the operands of C = A B lie in memory; t marks the one that is stored transposed. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

/** tiled: for graphics cards; quad: for adapters on the CPU, needs the feature `subgroups`. */
export type MatmulVariant = 'tiled' | 'quad';

export interface MatmulLaunch<D> {
  layout: MatmulLayout;
  /** [m, k], or [k, m] in layout tn. */
  a: Bindable;
  /** [k, n], or [n, k] in layout nt. */
  b: Bindable;
  /** [m, n] */
  c: Bindable;
  m: Dyn<D>;
  n: Dyn<D>;
  k: Dyn<D>;
  /** [n], added to every row. */
  bias?: Bindable;
  /** [m, n], added to the product; takes the place of a bias. */
  residual?: Bindable;
  /** Add to what c holds instead of overwriting it. */
  accumulate?: boolean;
  /** What c gets has been computed before: it does not count as useful work. */
  again?: boolean;
  label?: string;
}

/**
 * c[m,n] (+)= A B (+ bias or residual), row-major f32.
 * nt: a[m,k] b[n,k]^T, a linear layer; nn: a[m,k] b[k,n], its input gradient;
 * tn: a[k,m]^T b[k,n], its weight gradient.
 * Any sizes work; multiples of four that are known beforehand are faster.
 */
export function matmul<D>(launch: MatmulLaunch<D>): Op<D> {
  return {
    ...matmulAs('tiled', launch),
    adapt: (gpu: Gpu) => matmulAs(gpu.quads ? 'quad' : 'tiled', launch),
  };
}

/** The same with a variant of the caller's choice. */
export function matmulAs<D>(variant: MatmulVariant, launch: MatmulLaunch<D>): Op<D> {
  const { layout, a, b, c, m, n, k, bias, residual } = launch;
  const { accumulate = false, again = false } = launch;
  const memory: MatmulMemory = {
    a: { kMajor: layout === 'tn', aligned: fours(layout === 'tn' ? m : k) },
    b: { kMajor: layout !== 'nt', aligned: fours(layout === 'nt' ? k : n) },
    evenK: fours(k),
    alignedN: fours(n),
    addend: residual ? 'matrix' : bias ? 'row' : 'none',
    accumulate,
  };
  const tile = variant === 'quad' ? QUAD : TILED;
  return op<D, typeof PARAMS>(kernelFor(variant, memory), {
    label: launch.label ?? `matmul ${layout}`,
    // With nothing to add the binding still wants a buffer; read-only bindings may share one.
    bindings: [a, b, residual ?? bias ?? b, c],
    params: { m, n, k },
    grid: (d): Grid => [
      Math.ceil(resolve(n, d) / tile.columns),
      Math.ceil(resolve(m, d) / tile.rows),
    ],
    flops: (d) => (again ? 0 : 2 * resolve(m, d) * resolve(n, d) * resolve(k, d)),
  });
}

/** Elements of c that a workgroup computes. */
const QUAD = { rows: 16, columns: 16 };
const TILED = { rows: 32, columns: 32 };

const PARAMS = { m: 'u32', n: 'u32', k: 'u32' } as const;

const kernels = new Map<string, Kernel<typeof PARAMS>>();

/** One kernel object per text, since pipelines are cached by the kernel's name. */
function kernelFor(variant: MatmulVariant, memory: MatmulMemory): Kernel<typeof PARAMS> {
  const name = `matmul ${variant} ${JSON.stringify(memory)}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    kernel = {
      name,
      // `enable` must come first.
      code: `${variant === 'quad' ? 'enable subgroups;' : ''}${matmulPrelude(memory)}${variant === 'quad' ? quad : tiled}`,
      bindings: ['read', 'read', 'read', 'write'],
      params: PARAMS,
    };
    kernels.set(name, kernel);
  }
  return kernel;
}

function fours<D>(size: Dyn<D>): boolean {
  return typeof size === 'number' && size % 4 === 0;
}
