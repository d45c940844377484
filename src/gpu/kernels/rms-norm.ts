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

/** Rows that one invocation sums for the gradient of the weight. */
const CHUNK = 64;

/**
 * Where rows are: row r is `cols` elements at offset + floor(r / heads) * rowStride +
 * (r % heads) * cols. By default rows follow one another (heads 1, rowStride cols, offset 0).
 */
export interface RowLayout<D> {
  /** Normalised rows: tokens * heads. */
  rows: Dyn<D>;
  cols: number;
  heads?: number;
  rowStride?: number;
  offset?: number;
}

/** Longer rows are summed by 64 invocations together. */
const LONGEST_ALONE = 256;

/** How rows are cut: an Element is `width` floats, and `lanes` invocations share a row. */
function cutOf<D>(a: RowLayout<D>) {
  const { cols, rowStride = 0, offset = 0 } = a;
  const width = [cols, rowStride, offset].every((size) => size % 4 === 0) ? 4 : 1;
  return { width, lanes: cols > LONGEST_ALONE ? 64 : width === 4 ? 1 : 4 };
}

/** `kernel` for the rows of a layout, with its parameters and its grid. */
function forRows<D, P extends Record<string, ParamType>>(kernel: Kernel<P>, a: RowLayout<D>) {
  const { width, lanes } = cutOf(a);
  const { rows, cols, heads = 1, rowStride = heads * cols, offset = 0 } = a;
  const element =
    width === 4
      ? 'alias Element = vec4f;\nfn total(x: vec4f) -> f32 { return dot(x, vec4f(1.0)); }\n'
      : 'alias Element = f32;\nfn total(x: f32) -> f32 { return x; }\n';
  const prelude = cols > LONGEST_ALONE ? sharedPrelude : alonePrelude;
  return {
    kernel: {
      ...kernel,
      name: `${kernel.name} ${lanes}x${width}`,
      code: `const LANES = ${lanes}u;\nconst WIDTH = ${width}u;\n${element}${prelude}${kernel.code}`,
    },
    params: {
      rows,
      cols: cols / width,
      heads,
      stride: rowStride / width,
      offset: offset / width,
    },
    grid: (dims: D) => foldGrid(Math.ceil((resolve(rows, dims) * lanes) / 64)),
  };
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
  const { kernel, params, grid } = forRows(forward, a);
  return op<D, (typeof forward)['params']>(kernel, {
    label: a.label,
    bindings: [a.x, a.weight, a.y],
    params: { ...params, eps: a.eps },
    grid,
  });
}

/** Elements (f32) of `partials` for at most `maxRows` rows. */
export function normPartials(maxRows: number, cols: number): number {
  return maxRows + Math.ceil(maxRows / CHUNK) * cols;
}

/**
 * Writes dx, or adds to it with `accumulate`, for a residual stream; adds to dWeight, in a fixed
 * order. x is the input of the forward; x, dy and dx are different buffers of one layout.
 */
export function rmsNormBackward<D>(
  a: RowLayout<D> & {
    x: Bindable;
    weight: Bindable;
    dy: Bindable;
    dx: Bindable;
    /** [cols], added to; absent when the weight is frozen. */
    dWeight?: Bindable | undefined;
    /** Scratch of `normPartials(rows, cols)` elements. */
    partials: Bindable;
    eps: number;
    accumulate?: boolean;
    label?: string;
  },
): Op<D>[] {
  const { rows, cols, label } = a;
  const { kernel, params, grid } = forRows(backward, a);
  const { heads = 1, rowStride = heads * cols, offset = 0 } = a;
  const columnLanes = cols > LONGEST_ALONE ? 64 : 4;
  const chunks = (dims: D) => Math.ceil(resolve(rows, dims) / CHUNK);
  const input = op<D, (typeof backward)['params']>(kernel, {
    label,
    bindings: [a.x, a.weight, a.dy, a.dx, a.partials],
    params: { ...params, eps: a.eps },
    constants: { ACCUMULATE: Number(a.accumulate ?? false) },
    grid,
  });
  if (!a.dWeight) return [input];
  return [
    input,
    op<D, (typeof weightPartials)['params']>(weightPartials, {
      label,
      bindings: [a.x, a.dy, a.partials],
      params: { rows, cols, heads, stride: rowStride, offset },
      constants: { CHUNK, LANES: columnLanes },
      grid: (dims) => [Math.ceil(cols / columnLanes), Math.ceil((chunks(dims) * columnLanes) / 64)],
    }),
    op<D, (typeof weight)['params']>(weight, {
      label,
      bindings: [a.partials, a.dWeight],
      params: { rows, cols, chunks },
      grid: () => [Math.ceil(cols / 32)],
    }),
  ];
}
