/** SwiGLU of a product to which a LoRA adapter's part is still to be added. */
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { elementOf } from './element.ts';
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

/** Rows of an invocation. */
const ROWS = 2;

/** The factors of gate or of up: `rank` columns of h from `column`, `width` rows of b from `row`. */
export interface Factors {
  column: number;
  row: number;
}

/**
 * y = silu(gate + hg Bg^T) * (up + hu Bu^T), or GELU (`kind`) for silu; gateUp [rows, 2 * width] holds
 * gate | up in a row, y is [rows, width]. h: [rows, hWidth]; b: [., rank]. Without factors nothing is
 * added to a half.
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
  const { width: unit } = elementOf(rank);
  const { width: element, load } = elementOf(width);
  const columns = width / element;
  return op<D, (typeof kernel)['params']>(
    load<(typeof kernel)['params']>({
      ...kernel,
      name: `${kernel.name} ${unit} ${kind}`,
      code: gateCode(kind, 'Element') + blockCode(element, unit) + code,
    }),
    {
      bindings: [gateUp, h, b, y],
      params: {
        ...{ rows, width: columns, rank: rank / unit, hWidth: hWidth / unit },
        gateH: (gate?.column ?? 0) / unit,
        gateB: ((gate?.row ?? 0) * rank) / unit,
        upH: (up?.column ?? 0) / unit,
        upB: ((up?.row ?? 0) * rank) / unit,
      },
      constants: { GATE: Number(gate !== undefined), UP: Number(up !== undefined) },
      grid: (d) => [Math.ceil(columns / 64), Math.ceil(resolve(rows, d) / ROWS)],
      flops: (d) => 2 * resolve(rows, d) * width * rank * (Number(!!gate) + Number(!!up)),
    },
  );
}

/**
 * A Block: the Factors at one place of the rows of b that belong to an Element; and `product`, of a
 * Factor of h and each of them.
 */
function blockCode(element: 1 | 4, unit: 1 | 4): string {
  const factor = `alias Factor = ${unit === 4 ? 'vec4f' : 'f32'};\n`;
  if (element === 1) {
    return `${factor}alias Block = Factor;
fn block(at: u32) -> Block { return b[at]; }
fn product(x: Factor, y: Block) -> Element { return ${unit === 4 ? 'dot(x, y)' : 'x * y'}; }
`;
  }
  return `${factor}alias Block = ${unit === 4 ? 'mat4x4f' : 'vec4f'};
fn block(at: u32) -> Block {
  return Block(b[at], b[at + p.rank], b[at + 2u * p.rank], b[at + 3u * p.rank]);
}
fn product(x: Factor, y: Block) -> Element { return x * y; }
`;
}
