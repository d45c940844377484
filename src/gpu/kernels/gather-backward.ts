import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { elementOf } from './element.ts';
import code from './gather-backward.wgsl?raw';

const kernel = {
  name: 'gather-backward',
  code,
  bindings: ['read', 'read', 'read', 'read', 'write'],
  params: { owners: 'u32', cols: 'u32', first: 'u32', count: 'u32', scale: 'f32' },
  cut: ['x'],
} as const satisfies Kernel;

/** Rows grouped by the table row they were gathered from; see `groupByTarget`. */
interface TargetGroups<T> {
  /** u32 [rows]: the rows, those of one target next to each other. */
  order: T;
  /** u32 [owners + 1]: owner u has order[starts[u]] up to order[starts[u + 1] - 1]. */
  starts: T;
  /** u32 [owners]: the table row of owner u. */
  targets: T;
}

interface GatherBackwardLaunch<D> extends TargetGroups<Bindable> {
  /** [rows, cols] */
  dOut: Bindable;
  /** [count, cols], added to. */
  dTable: Bindable;
  /** The table has the ids [first, first + count), if it is part of a larger one. Skips others. */
  first?: number;
  count?: number;
  /** How many distinct table rows were gathered. */
  owners: Dyn<D>;
  cols: number;
  /** That of the gather; 1 if absent. */
  scale?: number | undefined;
  label?: string;
}

/** The gradient of `gather`, deterministic: dTable[ids[r],:] += scale * dOut[r,:]. */
export function gatherBackward<D>(launch: GatherBackwardLaunch<D>): Op<D> {
  const { dOut, order, starts, targets, dTable, owners, cols, label } = launch;
  const { first = 0, count = 0xffffffff, scale = 1 } = launch;
  const { width, load } = elementOf(cols);
  const blocks = Math.ceil(cols / width / 16);
  return op<D, (typeof kernel)['params']>(load(kernel), {
    label: label ?? kernel.name,
    bindings: [dOut, order, starts, targets, dTable],
    params: { owners, cols: cols / width, first, count, scale },
    grid: (d) => foldGrid(Math.ceil((resolve(owners, d) * blocks) / 4)),
  });
}

/** An id and a row fit into one float64, which is exact below 2^53: rows < 2^26, ids < 2^27. */
const MAX_ROWS = 2 ** 26;

/** Groups the rows of a gather by target, targets ascending and rows in order within each. */
export function groupByTarget(ids: ArrayLike<number>): TargetGroups<Uint32Array<ArrayBuffer>> {
  // Sorts by id, then row. Each pair is one number, so the sort needs no comparison function.
  const keys = Float64Array.from(ids, (id, row) => id * MAX_ROWS + row).sort();
  const order = Uint32Array.from(keys, (key) => key % MAX_ROWS);
  const starts: number[] = [];
  const targets: number[] = [];
  order.forEach((row, at) => {
    const id = ids[row] as number;
    if (id === targets.at(-1)) return;
    targets.push(id);
    starts.push(at);
  });
  starts.push(order.length);
  return { order, starts: Uint32Array.from(starts), targets: Uint32Array.from(targets) };
}
