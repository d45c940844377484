import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './softmax.wgsl?raw';
import { teamed } from './team.ts';

const kernels = teamed({
  name: 'softmax',
  code,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', inverseTemperature: 'f32' },
} as const satisfies Kernel);

export interface SoftmaxLaunch<D> {
  /** [rows, cols] */
  x: Bindable;
  /** [rows, cols], another buffer than x. */
  y: Bindable;
  rows: Dyn<D>;
  cols: number;
  /** Positive. */
  inverseTemperature: Dyn<D>;
  label?: string;
}

/** y[r,:] = softmax(x[r,:] * inverseTemperature) */
export function softmax<D>(launch: SoftmaxLaunch<D>): Op<D> {
  const { x, y, rows, cols, inverseTemperature, label } = launch;
  const { kernel, constants, grid } = kernels(cols);
  return op<D, (typeof kernel)['params']>(kernel, {
    ...(label && { label }),
    bindings: [x, y],
    params: { rows, cols, inverseTemperature },
    constants,
    grid: (d) => grid(resolve(rows, d)),
  });
}
