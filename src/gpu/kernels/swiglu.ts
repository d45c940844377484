/** The gated activation of llama-like feed-forward layers (Shazeer 2020, "GLU Variants"). */
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Grid,
  type Kernel,
  type Op,
} from '../kernel.ts';
import backwardCode from './swiglu-backward.wgsl?raw';
import code from './swiglu.wgsl?raw';

const params = { rows: 'u32', width: 'u32' } as const;

const forward = {
  name: 'swiglu',
  code,
  bindings: ['read', 'write'],
  params,
} as const satisfies Kernel;

const backward = {
  name: 'swiglu-backward',
  code: backwardCode,
  bindings: ['read', 'read', 'write'],
  params,
} as const satisfies Kernel;

/** Several rows per invocation, so that the work of a workgroup outweighs its start. */
const ROWS_PER_THREAD = 4;

function grid(rows: number, width: number): Grid {
  return [Math.ceil(width / 64), Math.min(65535, Math.ceil(rows / ROWS_PER_THREAD))];
}

/** y = silu(gate) * up; gateUp [rows, 2 * width] holds gate | up in a row, y is [rows, width]. */
export function swiglu<D>(a: {
  gateUp: Bindable;
  y: Bindable;
  rows: Dyn<D>;
  width: number;
  label?: string;
}): Op<D> {
  return op<D, typeof params>(forward, {
    label: a.label,
    bindings: [a.gateUp, a.y],
    params: { rows: a.rows, width: a.width },
    grid: (dims) => grid(resolve(a.rows, dims), a.width),
  });
}

/** dGateUp [rows, 2 * width] from dy [rows, width]; written, not accumulated. */
export function swigluBackward<D>(a: {
  gateUp: Bindable;
  dy: Bindable;
  dGateUp: Bindable;
  rows: Dyn<D>;
  width: number;
  label?: string;
}): Op<D> {
  return op<D, typeof params>(backward, {
    label: a.label,
    bindings: [a.gateUp, a.dy, a.dGateUp],
    params: { rows: a.rows, width: a.width },
    grid: (dims) => grid(resolve(a.rows, dims), a.width),
  });
}
