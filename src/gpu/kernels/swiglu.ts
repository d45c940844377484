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
import { elementOf } from './element.ts';
import { gateCode, type Gate } from './gate.ts';
import backwardCode from './swiglu-backward.wgsl?raw';
import code from './swiglu.wgsl?raw';

const params = { rows: 'u32', width: 'u32', step: 'u32' } as const;

const forward = {
  name: 'swiglu',
  code,
  bindings: ['read', 'write'],
  params,
  cut: ['y'],
} as const satisfies Kernel;

const backward = {
  name: 'swiglu-backward',
  code: backwardCode,
  bindings: ['read', 'read', 'write'],
  params,
  cut: ['y'],
} as const satisfies Kernel;

/** Several rows per invocation, so that the work of a workgroup outweighs its start. */
const ROWS_PER_THREAD = 4;

function forRows<D>(
  kernel: typeof forward | typeof backward,
  { rows, width, gate = 'silu' }: { rows: Dyn<D>; width: number; gate?: Gate | undefined },
) {
  const { width: element, load } = elementOf(width);
  const columns = width / element;
  const lanes = columns > 64 ? 64 : 16;
  const rowsAtOnce = 64 / lanes;
  const groups = (dims: D): number =>
    Math.min(65535, Math.ceil(resolve(rows, dims) / (rowsAtOnce * ROWS_PER_THREAD)));
  return {
    kernel: load<typeof params>({
      ...kernel,
      name: `${kernel.name} ${gate}`,
      code: gateCode(gate, 'Element') + kernel.code,
    }),
    params: { rows, width: columns, step: (dims: D) => groups(dims) * rowsAtOnce },
    constants: { LANES: lanes },
    grid: (dims: D): Grid => [Math.ceil(columns / lanes), groups(dims)],
  };
}

/**
 * y = silu(gate) * up, or GELU for silu; gateUp [rows, 2 * width] holds gate | up in a row, y is
 * [rows, width].
 */
export function swiglu<D>(a: {
  gateUp: Bindable;
  y: Bindable;
  rows: Dyn<D>;
  width: number;
  gate?: Gate | undefined;
  label?: string;
}): Op<D> {
  const { kernel, ...launch } = forRows(forward, a);
  return op<D, typeof params>(kernel, {
    label: a.label ?? forward.name,
    bindings: [a.gateUp, a.y],
    ...launch,
  });
}

/** dGateUp [rows, 2 * width] from dy [rows, width]; written, not accumulated. */
export function swigluBackward<D>(a: {
  gateUp: Bindable;
  dy: Bindable;
  dGateUp: Bindable;
  rows: Dyn<D>;
  width: number;
  gate?: Gate | undefined;
  label?: string;
}): Op<D> {
  const { kernel, ...launch } = forRows(backward, a);
  return op<D, typeof params>(kernel, {
    label: a.label ?? backward.name,
    bindings: [a.gateUp, a.dy, a.dGateUp],
    ...launch,
  });
}
