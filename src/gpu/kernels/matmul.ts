import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './matmul.wgsl?raw';

/** How the operands of C = A B lie in memory; t marks the one that is stored transposed. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

const LAYOUTS: readonly MatmulLayout[] = ['nt', 'nn', 'tn'];

const kernel = {
  name: 'matmul',
  code,
  bindings: ['read', 'read', 'read', 'write'],
  params: { m: 'u32', n: 'u32', k: 'u32' },
} as const satisfies Kernel;

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
  /** Add to what c holds instead of overwriting it. */
  accumulate?: boolean;
  label?: string;
}

/**
 * c[m,n] (+)= A B (+ bias), row-major f32.
 * nt: a[m,k] b[n,k]^T, a linear layer; nn: a[m,k] b[k,n], its input gradient;
 * tn: a[k,m]^T b[k,n], its weight gradient.
 */
export function matmul<D>(launch: MatmulLaunch<D>): Op<D> {
  const { layout, a, b, c, m, n, k, bias, accumulate = false } = launch;
  return op<D, (typeof kernel)['params']>(kernel, {
    label: launch.label ?? `matmul ${layout}`,
    // Without a bias its binding still wants a buffer; read-only bindings may share one.
    bindings: [a, b, bias ?? b, c],
    params: { m, n, k },
    constants: {
      LAYOUT: LAYOUTS.indexOf(layout),
      BIAS: Number(bias !== undefined),
      ACCUMULATE: Number(accumulate),
    },
    grid: (d) => [Math.ceil(resolve(n, d) / 16), Math.ceil(resolve(m, d) / 4)],
    flops: (d) => 2 * resolve(m, d) * resolve(n, d) * resolve(k, d),
  });
}
