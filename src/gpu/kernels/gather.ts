import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './gather.wgsl?raw';

const kernel = {
  name: 'gather',
  code,
  bindings: ['read', 'read', 'write'],
  params: { rows: 'u32', cols: 'u32' },
} as const satisfies Kernel;

export interface GatherLaunch<D> {
  /** [n, cols] */
  table: Bindable;
  /** u32 [rows], each below n. */
  ids: Bindable;
  /** [rows, cols] */
  out: Bindable;
  rows: Dyn<D>;
  cols: Dyn<D>;
  label?: string;
}

/** out[r,:] = table[ids[r],:]: an embedding look-up, or the picking of rows. */
export function gather<D>({ table, ids, out, rows, cols, label }: GatherLaunch<D>): Op<D> {
  return op<D, (typeof kernel)['params']>(kernel, {
    ...(label && { label }),
    bindings: [table, ids, out],
    params: { rows, cols },
    grid: (d) => foldGrid(resolve(rows, d)),
  });
}
