import { foldGrid, op, resolve, type Bindable, type Dyn, type Op } from '../kernel.ts';
import code from './fill.wgsl?raw';
import fours from './fours.wgsl?raw';

const kernel = {
  name: 'fill',
  code: fours + code,
  bindings: ['write'],
  params: { count: 'u32', value: 'f32' },
  cut: ['x'],
} as const;

/** Sets the first `count` elements of `x` to `value`. */
export function fill<D>(a: { x: Bindable; count: Dyn<D>; value: number; label?: string }): Op<D> {
  return op<D, typeof kernel.params>(kernel, {
    label: a.label ?? 'fill',
    bindings: [a.x],
    params: { count: a.count, value: a.value },
    grid: (d) => foldGrid(Math.ceil(resolve(a.count, d) / 256)),
  });
}
