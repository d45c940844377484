/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019) over whole rows, or over the heads inside
 * packed rows (Qwen3's query and key norms).
 */
import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import gatherCode from './gather-rows.wgsl?raw';
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
    xStride: 'u32',
    xOffset: 'u32',
    yStride: 'u32',
    yOffset: 'u32',
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
    xStride: 'u32',
    xOffset: 'u32',
    dxStride: 'u32',
    dxOffset: 'u32',
    eps: 'f32',
  },
} as const satisfies Kernel;

const weightPartials = {
  name: 'rms-norm-weight-partials',
  code: partialsCode,
  bindings: ['read', 'read', 'write'],
  params: { rows: 'u32', cols: 'u32', heads: 'u32', xStride: 'u32', xOffset: 'u32' },
} as const satisfies Kernel;

const weight = {
  name: 'rms-norm-weight',
  code: weightCode,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', chunks: 'u32' },
} as const satisfies Kernel;

const gather = {
  name: 'gather-rows',
  code: gatherCode,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', heads: 'u32', stride: 'u32', offset: 'u32' },
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

interface Place {
  stride: number;
  offset: number;
}

function placeOf<D>({ cols, heads = 1, rowStride, offset = 0 }: RowLayout<D>): Place {
  return { stride: rowStride ?? heads * cols, offset };
}

/** Threads that share a row. */
function lanesFor(cols: number): number {
  return cols >= 256 ? 64 : 16;
}

function rowGrid<D>({ rows, cols }: RowLayout<D>) {
  return (dims: D) => foldGrid(Math.ceil((resolve(rows, dims) * lanesFor(cols)) / 64));
}

interface Forward<D> extends RowLayout<D> {
  x: Bindable;
  /** [cols] */
  weight: Bindable;
  eps: number;
  label?: string;
}

function forwardOp<D>(a: Forward<D> & { y: Bindable }, from: Place, to: Place): Op<D> {
  return op<D, (typeof forward)['params']>(forward, {
    label: a.label,
    bindings: [a.x, a.weight, a.y],
    params: {
      rows: a.rows,
      cols: a.cols,
      heads: a.heads ?? 1,
      xStride: from.stride,
      xOffset: from.offset,
      yStride: to.stride,
      yOffset: to.offset,
      eps: a.eps,
    },
    constants: { LANES: lanesFor(a.cols) },
    grid: rowGrid(a),
  });
}

/** y = x * rsqrt(mean(x^2) + eps) * weight; x and y are different buffers of one layout. */
export function rmsNorm<D>(a: Forward<D> & { y: Bindable }): Op<D> {
  return forwardOp(a, placeOf(a), placeOf(a));
}

/**
 * The same in place: x becomes y. The rows before it go to `saved` [rows, cols], which is what the
 * backward needs (y alone would not do: a weight may be zero).
 */
export function rmsNormInPlace<D>(a: Forward<D> & { saved: Bindable }): Op<D>[] {
  const compact = placeOf<D>({ rows: a.rows, cols: a.cols, heads: a.heads });
  return [
    gatherRows({ ...a, y: a.saved }),
    forwardOp({ ...a, x: a.saved, y: a.x }, compact, placeOf(a)),
  ];
}

function gatherRows<D>(a: RowLayout<D> & { x: Bindable; y: Bindable; label?: string }): Op<D> {
  const { heads = 1 } = a;
  return op<D, (typeof gather)['params']>(gather, {
    label: a.label,
    bindings: [a.x, a.y],
    params: { rows: a.rows, cols: a.cols, heads, ...placeOf(a) },
    grid: (dims) => foldGrid(Math.ceil(resolve(a.rows, dims) / heads)),
  });
}

interface Backward<D> extends RowLayout<D> {
  weight: Bindable;
  /** [cols], added to. */
  dWeight: Bindable;
  /** Scratch of `rmsNormPartials(rows, cols)` elements. */
  partials: Bindable;
  eps: number;
  label?: string;
}

/** Elements of `partials` for at most `maxRows` rows. */
export function rmsNormPartials(maxRows: number, cols: number): number {
  return maxRows + Math.ceil(maxRows / CHUNK) * cols;
}

function backwardOps<D>(
  a: Backward<D> & { x: Bindable; dy: Bindable; dx: Bindable; accumulate?: boolean },
  from: Place,
  to: Place,
): Op<D>[] {
  const { rows, cols, heads = 1, label } = a;
  const lanes = lanesFor(cols);
  const chunks = (dims: D) => Math.ceil(resolve(rows, dims) / CHUNK);
  const source = { rows, cols, heads, xStride: from.stride, xOffset: from.offset };
  return [
    op<D, (typeof backward)['params']>(backward, {
      label,
      bindings: [a.x, a.weight, a.dy, a.dx, a.partials],
      params: { ...source, dxStride: to.stride, dxOffset: to.offset, eps: a.eps },
      constants: { LANES: lanes, ACCUMULATE: Number(a.accumulate ?? false) },
      grid: rowGrid(a),
    }),
    op<D, (typeof weightPartials)['params']>(weightPartials, {
      label,
      bindings: [a.x, a.dy, a.partials],
      params: source,
      constants: { LANES: lanes, CHUNK },
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

/**
 * dx (+= with `accumulate`, for a residual stream; written without) and dWeight +=, summed in a
 * fixed order. x is the forward's input; x, dy and dx have one layout; dx is a buffer of its own.
 */
export function rmsNormBackward<D>(
  a: Backward<D> & { x: Bindable; dy: Bindable; dx: Bindable; accumulate?: boolean },
): Op<D>[] {
  return backwardOps(a, placeOf(a), placeOf(a));
}

/**
 * Backward of `rmsNormInPlace`: d holds dy and becomes dx; `saved` [rows, cols] is the forward's;
 * `scratch` is as large.
 */
export function rmsNormInPlaceBackward<D>(
  a: Backward<D> & { saved: Bindable; d: Bindable; scratch: Bindable },
): Op<D>[] {
  const compact = placeOf<D>({ rows: a.rows, cols: a.cols, heads: a.heads });
  return [
    gatherRows({ ...a, x: a.d, y: a.scratch }),
    ...backwardOps({ ...a, x: a.saved, dy: a.scratch, dx: a.d }, compact, placeOf(a)),
  ];
}
