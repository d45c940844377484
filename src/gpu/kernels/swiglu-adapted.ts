/** SwiGLU of a product to which a LoRA adapter's part is still to be added. */
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { gateCode, type Gate } from './gate.ts';
import code from './swiglu-adapted.wgsl?raw';

const kernel = {
  name: 'swiglu-adapted',
  code,
  bindings: ['read', 'read', 'read', 'write'],
  params: {
    ...{ rows: 'u32', width: 'u32', rank: 'u32', hWidth: 'u32' },
    ...{ gateH: 'u32', gateB: 'u32', upH: 'u32', upB: 'u32' },
  },
  cut: ['y'],
} as const satisfies Kernel;

const ROWS = 4;

/** The factors of gate or of up: `rank` columns of h from `column`, `width` rows of b from `row`. */
export interface Factors {
  column: number;
  row: number;
}

/**
 * y = silu(gate + hg Bg^T) * (up + hu Bu^T), or GELU (`kind`) for silu; gateUp [rows, 2 * width] holds gate | up in a row, y is
 * [rows, width]. h: [rows, hWidth]; b: [., rank]. Without factors nothing is added to a half.
 */
export function swigluAdapted<D>(a: {
  gateUp: Bindable;
  h: Bindable;
  hWidth: number;
  b: Bindable;
  rank: number;
  gate?: Factors | undefined;
  up?: Factors | undefined;
  kind?: Gate | undefined;
  y: Bindable;
  rows: Dyn<D>;
  width: number;
}): Op<D> {
  const { gateUp, h, hWidth, b, rank, gate, up, kind = 'silu', y, rows, width } = a;
  const unit = rank % 4 === 0 ? 4 : 1;
  const element =
    unit === 4
      ? 'alias Element = vec4f;\nfn product(x: vec4f, y: vec4f) -> f32 { return dot(x, y); }\n'
      : 'alias Element = f32;\nfn product(x: f32, y: f32) -> f32 { return x * y; }\n';
  return op<D, (typeof kernel)['params']>(
    {
      ...kernel,
      name: `${kernel.name} ${unit} ${kind}`,
      code: element + gateCode(kind, 'f32') + code,
    },
    {
      bindings: [gateUp, h, b, y],
      params: {
        ...{ rows, width, rank: rank / unit, hWidth: hWidth / unit },
        gateH: (gate?.column ?? 0) / unit,
        gateB: ((gate?.row ?? 0) * rank) / unit,
        upH: (up?.column ?? 0) / unit,
        upB: ((up?.row ?? 0) * rank) / unit,
      },
      constants: { GATE: Number(gate !== undefined), UP: Number(up !== undefined) },
      grid: (d) => [Math.ceil(width / 64), Math.ceil(resolve(rows, d) / ROWS)],
      flops: (d) => 2 * resolve(rows, d) * width * rank * (Number(!!gate) + Number(!!up)),
    },
  );
}
