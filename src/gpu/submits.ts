/** Cuts a program into submits. This is plain arithmetic on its ops: no device is needed. */
import type { Grid, Op } from './kernel.ts';

/** Floating-point operations that a card does in the time in which it moves a byte. */
const OPERATIONS_PER_BYTE = 10;

/** Few workgroups move more: an op with few of them uses a part of its buffers only. */
const BYTES_PER_WORKGROUP = 2 ** 15;

/** One dispatch. */
export interface Launch<D> {
  /** The op's place in the program. */
  readonly index: number;
  readonly dims: D;
  readonly grid: Grid;
  /** Workgroups of the op, along its kernel's `cut`, that earlier launches have taken. */
  readonly first: number;
  /** In floating-point operations; see `workOf`. */
  readonly work: number;
}

export interface Submit<D> {
  readonly launches: readonly Launch<D>[];
  readonly work: number;
  /** No submit of these runs follows. */
  readonly last: boolean;
}

/**
 * The launches of `ops`, once per entry of `runs`, in order, in submits of at most `maxLaunches`.
 * A submit holds at most `budget()` work, unless a single launch that cannot be cut is larger. The
 * budget may change between two submits.
 */
export function* cutIntoSubmits<D>(
  ops: readonly Op<D>[],
  runs: readonly D[],
  maxLaunches: number,
  budget: () => number,
): Generator<Submit<D>> {
  let launches: Launch<D>[] = [];
  let work = 0;
  for (const dims of runs) {
    for (const [index, op] of ops.entries()) {
      for (const launch of cutLaunch(op, index, dims, budget)) {
        const full = launches.length === maxLaunches || work + launch.work > budget();
        if (full && launches.length > 0) {
          yield { launches, work, last: false };
          launches = [];
          work = 0;
        }
        launches.push(launch);
        work += launch.work;
      }
    }
  }
  if (launches.length > 0) yield { launches, work, last: true };
}

/** One launch where it fits into the budget or cannot be cut, else several. */
function* cutLaunch<D>(
  op: Op<D>,
  index: number,
  dims: D,
  budget: () => number,
): Generator<Launch<D>> {
  const [x, y = 1, z = 1] = op.grid(dims);
  if (x * y * z === 0) return;
  const work = workOf(op, dims, x * y * z);
  const { cut } = op.kernel;
  const groups = cut === 'x' ? x : cut === 'y' ? y : 1;
  for (let first = 0; first < groups;) {
    const fit = work > budget() ? Math.max(1, Math.floor((groups * budget()) / work)) : groups;
    const count = Math.min(fit, groups - first);
    const grid: Grid = cut === 'x' ? [count, y, z] : cut === 'y' ? [x, count, z] : [x, y, z];
    yield { index, dims, grid, first, work: (work * count) / groups };
    first += count;
  }
}

/**
 * What an op takes of a card's time: its operations, or those that fit into the time in which its data
 * moves, whichever is more (Williams et al. 2009, "Roofline").
 */
function workOf<D>(op: Op<D>, dims: D, workgroups: number): number {
  const bound = op.bindings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = Math.min(bound, workgroups * BYTES_PER_WORKGROUP);
  return Math.max(op.flops?.(dims) ?? 0, OPERATIONS_PER_BYTE * bytes);
}
