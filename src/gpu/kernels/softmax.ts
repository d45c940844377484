import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './softmax.wgsl?raw';

const kernel = {
  name: 'softmax',
  code,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', inverseTemperature: 'f32' },
} as const satisfies Kernel;

export interface SoftmaxLaunch<D> {
  /** [rows, cols] */
  x: Bindable;
  /** [rows, cols], another buffer than x. */
  y: Bindable;
  rows: Dyn<D>;
  cols: Dyn<D>;
  /** Positive. */
  inverseTemperature: Dyn<D>;
  label?: string;
}

/** y[r,:] = softmax(x[r,:] * inverseTemperature) */
export function softmax<D>(launch: SoftmaxLaunch<D>): Op<D> {
  const { x, y, rows, cols, inverseTemperature, label } = launch;
  return op<D, (typeof kernel)['params']>(kernel, {
    ...(label && { label }),
    bindings: [x, y],
    params: { rows, cols, inverseTemperature },
    constants: { TEAM: 64 },
    grid: (d) => foldGrid(resolve(rows, d)),
  });
}
