/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019) over whole rows, or over the heads inside
 * packed rows (Qwen3's query and key norms).
 */
import {
  foldGrid,
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Kernel,
  type Op,
  type ParamType,
} from '../kernel.ts';
import alonePrelude from './row-sum-alone.wgsl?raw';
import sharedPrelude from './row-sum-shared.wgsl?raw';
import backwardCode from './rms-norm-backward.wgsl?raw';
import partialsCode from './rms-norm-weight-partials.wgsl?raw';
import weightCode from './rms-norm-weight.wgsl?raw';
import code from './rms-norm.wgsl?raw';

const forward = {
  name: 'rms-norm',
  code,
  bindings: ['read', 'read', 'write'],
  params: {
    rows: 'u32',
    cols: 'u32',
    heads: 'u32',
    stride: 'u32',
    offset: 'u32',
    eps: 'f32',
  },
} as const satisfies Kernel;

const backward = {
  name: 'rms-norm-backward',
  code: backwardCode,
  bindings: ['read', 'read', 'read', 'write', 'write'],
  params: {
    rows: 'u32',
    cols: 'u32',
    heads: 'u32',
    stride: 'u32',
    offset: 'u32',
    eps: 'f32',
  },
} as const satisfies Kernel;

const weightPartials = {
  name: 'rms-norm-weight-partials',
  code: partialsCode,
  bindings: ['read', 'read', 'write'],
  params: { rows: 'u32', cols: 'u32', heads: 'u32', stride: 'u32', offset: 'u32' },
} as const satisfies Kernel;

const weight = {
  name: 'rms-norm-weight',
  code: weightCode,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', chunks: 'u32' },
} as const satisfies Kernel;

/** Rows that one thread sums for the weight's gradient. */
const CHUNK = 64;

/**
 * Where rows lie: row r is `cols` elements at offset + floor(r / heads) * rowStride +
 * (r % heads) * cols. Left out, rows follow one another (heads 1, rowStride cols, offset 0).
 */
export interface RowLayout<D> {
  /** Normalised rows: tokens * heads. */
  rows: Dyn<D>;
  cols: number;
  heads?: number;
  rowStride?: number;
  offset?: number;
}

/** The kernel for rows of `cols`: how many threads share one, and how they sum it. */
function forRows<P extends Record<string, ParamType>>(kernel: Kernel<P>, cols: number): Kernel<P> {
  const lanes = lanesFor(cols);
  const prelude = cols > LONGEST_ALONE ? sharedPrelude : alonePrelude;
  return {
    ...kernel,
    name: `${kernel.name} ${lanes}`,
    code: `const LANES = ${lanes}u;\n${prelude}${kernel.code}`,
  };
}

const LONGEST_ALONE = 256;

function lanesFor(cols: number): number {
  return cols > LONGEST_ALONE ? 64 : 4;
}

function layoutParams<D>({ rows, cols, heads = 1, rowStride, offset = 0 }: RowLayout<D>) {
  return { rows, cols, heads, stride: rowStride ?? heads * cols, offset };
}

function rowGrid<D>({ rows, cols }: RowLayout<D>) {
  return (dims: D) => foldGrid(Math.ceil((resolve(rows, dims) * lanesFor(cols)) / 64));
}

/** y = x * rsqrt(mean(x^2) + eps) * weight; x and y are different buffers of one layout. */
export function rmsNorm<D>(
  a: RowLayout<D> & {
    x: Bindable;
    /** [cols] */
    weight: Bindable;
    y: Bindable;
    eps: number;
    label?: string;
  },
): Op<D> {
  return op<D, (typeof forward)['params']>(forRows(forward, a.cols), {
    label: a.label,
    bindings: [a.x, a.weight, a.y],
    params: { ...layoutParams(a), eps: a.eps },
    grid: rowGrid(a),
  });
}

/** Elements of `partials` for at most `maxRows` rows. */
export function normPartials(maxRows: number, cols: number): number {
  return maxRows + Math.ceil(maxRows / CHUNK) * cols;
}

/**
 * dx (+= with `accumulate`, for a residual stream; written without) and dWeight +=, summed in a
 * fixed order. x is the forward's input; x, dy and dx are different buffers of one layout.
 */
export function rmsNormBackward<D>(
  a: RowLayout<D> & {
    x: Bindable;
    weight: Bindable;
    dy: Bindable;
    dx: Bindable;
    /** [cols], added to. */
    dWeight: Bindable;
    /** Scratch of `normPartials(rows, cols)` elements. */
    partials: Bindable;
    eps: number;
    accumulate?: boolean;
    label?: string;
  },
): Op<D>[] {
  const { rows, cols, label } = a;
  const lanes = lanesFor(cols);
  const chunks = (dims: D) => Math.ceil(resolve(rows, dims) / CHUNK);
  return [
    op<D, (typeof backward)['params']>(forRows(backward, cols), {
      label,
      bindings: [a.x, a.weight, a.dy, a.dx, a.partials],
      params: { ...layoutParams(a), eps: a.eps },
      constants: { ACCUMULATE: Number(a.accumulate ?? false) },
      grid: rowGrid(a),
    }),
    op<D, (typeof weightPartials)['params']>(forRows(weightPartials, cols), {
      label,
      bindings: [a.x, a.dy, a.partials],
      params: layoutParams(a),
      constants: { CHUNK },
      grid: (dims) => [Math.ceil(cols / lanes), Math.ceil((chunks(dims) * lanes) / 64)],
    }),
    op<D, (typeof weight)['params']>(weight, {
      label,
      bindings: [a.partials, a.dWeight],
      params: { rows, cols, chunks },
      grid: () => [Math.ceil(cols / 32)],
    }),
  ];
}
