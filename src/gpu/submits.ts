/** Cuts a program into submits. This is plain arithmetic on its ops: no device is needed. */
import type { Axis, Op } from './kernel.ts';

/** Floating-point operations that a card does in the time in which it moves a byte. */
const OPERATIONS_PER_BYTE = 10;

/** Few workgroups move more: an op with few of them uses a part of its buffers only. */
const BYTES_PER_WORKGROUP = 2 ** 15;

/** The place of an axis among the groups of a grid. */
export const AXES: Readonly<Record<Axis, 0 | 1>> = { x: 0, y: 1 };

/** A part of an op's workgroups. */
interface Piece {
  readonly grid: Groups;
  /** The workgroups before it along each axis. */
  readonly first: Groups;
  /** In floating-point operations; see `workOf`. */
  readonly work: number;
}

type Groups = readonly [x: number, y: number, z: number];

/** One dispatch. */
export interface Launch<D> extends Piece {
  /** The op's place in the program. */
  readonly index: number;
  readonly dims: D;
}

export interface Submit<D> {
  readonly launches: readonly Launch<D>[];
  readonly work: number;
  /** No submit of these runs follows. */
  readonly last: boolean;
}

/**
 * The launches of `ops`, once per entry of `runs`, in order, in submits of at most `maxLaunches`.
 * A submit holds at most `budget()` work, unless a part of a launch that cannot be cut is larger. The
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
  const whole: Piece = { grid: [x, y, z], first: [0, 0, 0], work: workOf(op, dims, x * y * z) };
  for (const piece of cutPiece(whole, op.kernel.cut ?? [], budget)) yield { index, dims, ...piece };
}

/** As many groups of the first axis at a time as fit; what is too large then is cut along the next. */
function* cutPiece(
  piece: Piece,
  [axis, ...others]: readonly Axis[],
  budget: () => number,
): Generator<Piece> {
  if (!axis) {
    yield piece;
    return;
  }
  const { grid, first, work } = piece;
  const groups = grid[AXES[axis]];
  for (let taken = 0; taken < groups;) {
    const fit = work > budget() ? Math.max(1, Math.floor((groups * budget()) / work)) : groups;
    const count = Math.min(fit, groups - taken);
    const part = {
      grid: along(grid, axis, count),
      first: along(first, axis, taken),
      work: (work * count) / groups,
    };
    yield* cutPiece(part, others, budget);
    taken += count;
  }
}

const along = ([x, y, z]: Groups, axis: Axis, value: number): Groups =>
  axis === 'x' ? [value, y, z] : [x, value, z];

/**
 * What an op takes of a card's time: its operations, or those that fit into the time in which its data
 * moves, whichever is more (Williams et al. 2009, "Roofline").
 */
function workOf<D>(op: Op<D>, dims: D, workgroups: number): number {
  const bound = op.bindings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = op.bytes?.(dims) ?? Math.min(bound, workgroups * BYTES_PER_WORKGROUP);
  return Math.max(op.flops?.(dims) ?? 0, OPERATIONS_PER_BYTE * bytes);
}
