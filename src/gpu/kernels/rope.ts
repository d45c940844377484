/** Rotary position embedding and, with direction -1, its backward. */
import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import cosSin from './cos-sin.wgsl?raw';
import { elementOf } from './element.ts';
import code from './rope.wgsl?raw';
import { byRows } from './team.ts';

const kernel = {
  name: 'rope',
  code: cosSin + code,
  bindings: ['write', 'read', 'read'],
  params: {
    rows: 'u32',
    heads: 'u32',
    rowStride: 'u32',
    offset: 'u32',
    half: 'u32',
    headSize: 'u32',
    direction: 'f32',
    factor: 'f32',
  },
  cut: ['x'],
} as const satisfies Kernel;

/** Invocations that share the `half` pairs of a head. */
export const lanesOf = (half: number): number => (half > 4 ? 8 : half > 2 ? 4 : half);

/**
 * Rotates, in place, the first `heads` heads of every row of x [rows, rowStride] from element
 * `offset`, by positions[row] * frequencies[i] radians in the plane of elements i and
 * i + rotaryDim / 2, and multiplies them by `factor`. positions: u32 [rows]; frequencies: f32
 * [rotaryDim / 2], radians per position, with any scaling (llama3) already applied. direction -1 is
 * the transpose: the backward pass.
 */
export function rope<D>(a: {
  x: Bindable;
  positions: Bindable;
  frequencies: Bindable;
  rows: Dyn<D>;
  heads: number;
  rowStride: number;
  offset: number;
  headDim: number;
  /** The first so many elements of a head are rotated; absent: all. */
  rotaryDim?: number;
  /** 1 if absent. */
  factor?: number;
  direction: 1 | -1;
  label?: string;
}): Op<D> {
  const { rotaryDim = a.headDim } = a;
  const { width, load } = elementOf(rotaryDim / 2, a.headDim, a.rowStride, a.offset);
  const half = rotaryDim / 2 / width;
  return byRows((variant) => {
    const halfLanes = lanesOf(half);
    // The angles of a row are the same in all heads. A card computes them again for fewer heads each.
    const headLanes = variant === 'alone' ? 1 : 4;
    const rowsPerGroup = 64 / (halfLanes * headLanes);
    return op<D, (typeof kernel)['params']>(load(kernel), {
      label: a.label ?? kernel.name,
      bindings: [a.x, a.positions, a.frequencies],
      params: {
        rows: a.rows,
        heads: a.heads,
        rowStride: a.rowStride / width,
        offset: a.offset / width,
        half,
        headSize: a.headDim / width,
        direction: a.direction,
        factor: a.factor ?? 1,
      },
      constants: { HALF_LANES: halfLanes, HEAD_LANES: headLanes },
      grid: (dims) => foldGrid(Math.ceil(resolve(a.rows, dims) / rowsPerGroup)),
    });
  });
}
