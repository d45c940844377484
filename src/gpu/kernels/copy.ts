import { foldGrid, op, resolve, type Bindable, type Dyn, type Op } from '../kernel.ts';
import code from './copy.wgsl?raw';
import fours from './fours.wgsl?raw';

const kernel = {
  name: 'copy',
  code: fours + code,
  bindings: ['read', 'write'],
  params: { count: 'u32' },
  cut: ['x'],
} as const;

/** Copies the first `count` elements of `x` to `y`. */
export function copy<D>(a: { x: Bindable; y: Bindable; count: Dyn<D>; label?: string }): Op<D> {
  return op<D, typeof kernel.params>(kernel, {
    label: a.label ?? 'copy',
    bindings: [a.x, a.y],
    params: { count: a.count },
    grid: (d) => foldGrid(Math.ceil(resolve(a.count, d) / 256)),
  });
}
