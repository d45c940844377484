/**
 * A kernel, and one launch of it (`Op`). A launch is plain data: only compiling a list of them
 * (see program.ts) needs a device.
 *
 * `D` is the caller's record of the sizes and settings that change from one replay to the next
 * (tokens in the batch, learning rate, seed). The parts of an op that depend on it are functions.
 */
import type { Activation } from './activations.ts';
import type { View } from './memory.ts';
import type { KernelVariants } from './variants.ts';

type Access = 'read' | 'write';
export type ParamType = 'u32' | 'i32' | 'f32';

/** A WGSL module with one entry point `main`, storage buffers in group 0 and parameters in group 1. */
export interface Kernel<P extends Record<string, ParamType> = Record<string, ParamType>> {
  readonly name: string;
  readonly code: string;
  /** One per storage binding of group 0, in order; 'write' means read_write. */
  readonly bindings: readonly Access[];
  /** Fields of `struct Params`, in order; all are 4 bytes. */
  readonly params: P;
  /**
   * The axes of workgroups along which a large launch can be cut into several: along the second only
   * where a single group of the first is still too large. For each of them `struct Params` has one more
   * field at its end, `first_x: u32` or `first_y: u32`, which the kernel adds to its workgroup's index.
   */
  readonly cut?: readonly Axis[];
}

export type Axis = 'x' | 'y';

export type Bindable = View | Activation;
export type Grid = readonly [x: number, y?: number, z?: number];

export interface Op<D> {
  readonly kernel: Kernel;
  readonly label: string;
  readonly bindings: readonly Bindable[];
  readonly params: (dims: D) => readonly number[];
  /** Workgroups in each dimension; with 0 in one of them there is no dispatch. */
  readonly grid: (dims: D) => Grid;
  readonly constants?: Record<string, number>;
  /** Floating-point operations (see GpuCounters); absent for ops that have few. */
  readonly flops?: (dims: D) => number;
  /** Bytes that it moves, for ops whose workgroups move more than BYTES_PER_WORKGROUP (submits.ts). */
  readonly bytes?: (dims: D) => number;
  /** It recomputes a result: its operations do not count as useful work. */
  readonly again?: boolean;
  /** Kernels with the same bindings and parameters, of which each replay takes the one that suits. */
  readonly others?: readonly Kernel[];
  /** Which kernel this replay takes: 0 is `kernel`, i is `others[i - 1]`; absent: 0. */
  readonly pick?: (dims: D) => number;
  /**
   * The launches that do the same by the kernels of a device with these variants. They may need
   * activations of their own, so ops are lowered before memory is planned. Absent: the op itself.
   */
  readonly lower?: (variants: KernelVariants) => readonly Op<D>[];
}

/** A fixed value, or one that each replay computes from its dims. */
export type Dyn<D> = number | ((dims: D) => number);

export function resolve<D>(value: Dyn<D>, dims: D): number {
  return typeof value === 'number' ? value : value(dims);
}

/** Writes values as the fields of `struct Params`, from byte `at` on. */
export function writeParams(
  view: DataView,
  at: number,
  types: readonly ParamType[],
  values: readonly number[],
): void {
  values.forEach((value, i) => {
    if (types[i] === 'f32') view.setFloat32(at + 4 * i, value, true);
    else if (types[i] === 'i32') view.setInt32(at + 4 * i, value, true);
    else view.setUint32(at + 4 * i, value, true);
  });
}

/** Makes one launch of `kernel`, with its parameters by name. */
export function op<D, P extends Record<string, ParamType>>(
  kernel: Kernel<P>,
  launch: {
    label?: string;
    bindings: readonly Bindable[];
    params: { [K in keyof P]: Dyn<D> };
    grid: (dims: D) => Grid;
    constants?: Record<string, number>;
    flops?: (dims: D) => number;
    bytes?: (dims: D) => number;
    others?: readonly Kernel[];
    pick?: (dims: D) => number;
  },
): Op<D> {
  if (launch.bindings.length !== kernel.bindings.length) {
    const { length } = launch.bindings;
    throw new Error(`${kernel.name} takes ${kernel.bindings.length} buffers, not ${length}`);
  }
  const names = Object.keys(kernel.params);
  return {
    kernel,
    label: launch.label ?? kernel.name,
    bindings: launch.bindings,
    params: (dims) => names.map((name) => resolve(launch.params[name] as Dyn<D>, dims)),
    grid: launch.grid,
    ...(launch.constants && { constants: launch.constants }),
    ...(launch.flops && { flops: launch.flops }),
    ...(launch.bytes && { bytes: launch.bytes }),
    ...(launch.others && { others: launch.others }),
    ...(launch.pick && { pick: launch.pick }),
  };
}

/** The same op for recomputing a result: it does not count as useful work. */
export function again<D>(done: Op<D>): Op<D> {
  const { lower: own } = done;
  return { ...done, again: true, ...(own && { lower: (variants) => own(variants).map(again) }) };
}

/** The launches that `ops` are on a device with these variants; none of them has a `lower`. */
export function lower<D>(ops: readonly Op<D>[], variants: KernelVariants): Op<D>[] {
  return ops.flatMap((one) => (one.lower ? lower(one.lower(variants), variants) : [one]));
}

/**
 * Spreads `count` workgroups over two dimensions, since one holds at most 65,535. Kernels that use
 * it take their index as `workgroup_id.x + workgroup_id.y * 65535u` and compare it with `count`. They
 * can be cut along x: each launch then has some columns of the grid.
 */
export function foldGrid(count: number): Grid {
  const limit = 65535;
  return count <= limit ? [count] : [limit, Math.ceil(count / limit)];
}
