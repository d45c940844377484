/** Repacks the rows of a batch that are still being written. */
import { op, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './keep-rows.wgsl?raw';

const kernel = {
  name: 'keep-rows',
  code,
  bindings: ['read', 'write', 'write', 'write', 'write', 'write'],
  params: { rows: 'u32' },
} as const satisfies Kernel;

/**
 * Moves, in place, row kept[i] of each array to row i, for i < rows. kept: u32 [rows], ascending,
 * without repetition. ids, streams, done and states have one u32 a row, spans four.
 */
export function keepRows<D>(a: {
  kept: Bindable;
  ids: Bindable;
  spans: Bindable;
  streams: Bindable;
  done: Bindable;
  states: Bindable;
  rows: Dyn<D>;
  /** Whether this replay moves rows. */
  needed: (dims: D) => boolean;
  label?: string;
}): Op<D> {
  return op<D, (typeof kernel)['params']>(kernel, {
    label: a.label,
    bindings: [a.kept, a.ids, a.spans, a.streams, a.done, a.states],
    params: { rows: a.rows },
    grid: (dims) => [Number(a.needed(dims))],
  });
}
