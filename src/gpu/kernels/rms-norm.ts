/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019) over whole rows, or over the heads inside
 * packed rows (Qwen3's query and key norms).
 */
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Kernel,
  type Op,
  type ParamType,
} from '../kernel.ts';
import type { KernelVariants } from '../variants.ts';
import { elementOf } from './element.ts';
import backwardCode from './rms-norm-backward.wgsl?raw';
import partialsCode from './rms-norm-weight-partials.wgsl?raw';
import weightCode from './rms-norm-weight.wgsl?raw';
import code from './rms-norm.wgsl?raw';
import { byRows, teamed } from './team.ts';
import { unroll } from './unroll.ts';

/** Where the rows are; see `RowLayout`. */
const layoutParams = {
  rows: 'u32',
  cols: 'u32',
  heads: 'u32',
  stride: 'u32',
  offset: 'u32',
} as const;

const forward = {
  name: 'rms-norm',
  code,
  bindings: ['read', 'read', 'write'],
  params: { ...layoutParams, eps: 'f32' },
  cut: ['x'],
} as const satisfies Kernel;

const backward = {
  name: 'rms-norm-backward',
  code: backwardCode,
  bindings: ['read', 'read', 'read', 'write', 'write'],
  params: { ...layoutParams, eps: 'f32' },
  cut: ['x'],
} as const satisfies Kernel;

const weightPartials = {
  name: 'rms-norm-weight-partials',
  code: partialsCode,
  bindings: ['read', 'read', 'write'],
  params: { ...layoutParams, chunkRows: 'u32' },
  cut: ['y'],
} as const satisfies Kernel;

const weight = {
  name: 'rms-norm-weight',
  code: weightCode,
  bindings: ['read', 'write'],
  params: { rows: 'u32', cols: 'u32', chunks: 'u32' },
} as const satisfies Kernel;

/**
 * Rows are summed in chunks for the gradient of the weight: at least so many rows in a chunk, and at
 * most so many chunks, which one invocation adds up.
 */
const CHUNK_ROWS = 16;
const CHUNKS = 128;

const chunkRows = (rows: number): number => Math.max(CHUNK_ROWS, Math.ceil(rows / CHUNKS));

/**
 * Where rows are: row r is `cols` elements at offset + floor(r / heads) * rowStride +
 * (r % heads) * cols. By default rows follow one another (heads 1, rowStride cols, offset 0).
 */
interface RowLayout<D> {
  /** Normalised rows: tokens * heads. */
  rows: Dyn<D>;
  cols: number;
  heads?: number;
  rowStride?: number;
  offset?: number;
}

/** `kernel` for the rows of a layout, with its parameters and its grid. */
function forRows<D, P extends Record<string, ParamType>>(
  kernel: Kernel<P>,
  a: RowLayout<D>,
  variant: KernelVariants['rows'],
) {
  const { rows, cols, heads = 1, rowStride = heads * cols, offset = 0 } = a;
  const { width, load } = elementOf(cols, rowStride, offset);
  const team = teamed(load(kernel), variant, {
    loads: cols / width,
    longestAlone: Infinity,
    sum: 'vec2f',
  });
  return {
    kernel: team.kernel,
    constants: team.constants,
    params: {
      rows,
      cols: cols / width,
      heads,
      stride: rowStride / width,
      offset: offset / width,
    },
    grid: (dims: D) => team.grid(resolve(rows, dims)),
    bytes: (dims: D) => 4 * kernel.bindings.length * resolve(rows, dims) * cols,
  };
}

const plain = { ...forward, code: unroll(code, { ADDED: 0 }) };
const added = {
  ...forward,
  name: 'rms-norm added',
  code: unroll(code, { ADDED: 1 }),
  bindings: [...forward.bindings, 'read'],
} as const;

/**
 * y = x * rsqrt(mean(x^2) + eps) * weight (+ residual); x, y and residual are of one layout, and x and
 * y different buffers.
 */
export function rmsNorm<D>(
  a: RowLayout<D> & {
    x: Bindable;
    /** [cols] */
    weight: Bindable;
    y: Bindable;
    residual?: Bindable | undefined;
    eps: number;
    label?: string;
  },
): Op<D> {
  return byRows((variant) => {
    const { kernel, params, ...launch } = forRows(a.residual ? added : plain, a, variant);
    return op<D, (typeof forward)['params']>(kernel, {
      label: a.label ?? forward.name,
      bindings: [a.x, a.weight, a.y, ...(a.residual ? [a.residual] : [])],
      params: { ...params, eps: a.eps },
      ...launch,
    });
  });
}

/** Elements (f32) of `partials` for at most `maxRows` rows. */
export function normPartials(maxRows: number, cols: number): number {
  return 4 * maxRows + Math.min(CHUNKS, Math.ceil(maxRows / CHUNK_ROWS)) * cols;
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
  const input = byRows((variant) => {
    const { kernel, params, constants, ...launch } = forRows(backward, a, variant);
    return op<D, (typeof backward)['params']>(kernel, {
      label: a.label ?? backward.name,
      bindings: [a.x, a.weight, a.dy, a.dx, a.partials],
      params: { ...params, eps: a.eps },
      constants: { ...constants, ACCUMULATE: Number(a.accumulate ?? false) },
      ...launch,
    });
  });
  if (!a.dWeight) return [input];
  const { heads = 1, rowStride = heads * a.cols, offset = 0 } = a;
  const { width, load } = elementOf(a.cols, rowStride, offset);
  const { rows } = a;
  const cols = a.cols / width;
  const lanes = cols > 64 ? 64 : 16;
  const perChunk = (dims: D) => chunkRows(resolve(rows, dims));
  const chunks = (dims: D) => Math.ceil(resolve(rows, dims) / perChunk(dims));
  return [
    input,
    op<D, (typeof weightPartials)['params']>(load(weightPartials), {
      label: a.label,
      bindings: [a.x, a.dy, a.partials],
      params: {
        rows,
        cols,
        heads,
        stride: rowStride / width,
        offset: offset / width,
        chunkRows: perChunk,
      },
      constants: { LANES: lanes },
      grid: (dims) => [Math.ceil(cols / lanes), Math.ceil((chunks(dims) * lanes) / 64)],
      bytes: (dims) => 8 * resolve(rows, dims) * a.cols,
    }),
    op<D, (typeof weight)['params']>(load(weight), {
      label: a.label,
      bindings: [a.partials, a.dWeight],
      params: { rows, cols, chunks },
      grid: () => [Math.ceil(cols / 32)],
    }),
  ];
}
