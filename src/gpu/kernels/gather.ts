import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { fetchFours, type Storage } from '../storage.ts';
import code from './gather.wgsl?raw';

const params = { rows: 'u32', cols: 'u32', first: 'u32', count: 'u32', scale: 'f32' } as const;

/** Copies four numbers at a time, of any storage, if the rows allow it; else one f32 at a time. */
function kernelFor(storage: Storage, inFours: boolean): Kernel<typeof params> {
  const one = { element: 'f32', code: 'fn fetch_table(i: u32) -> f32 { return table[i]; }' };
  const fetch = inFours ? fetchFours(storage, 'table') : one;
  const types = `alias Stored = ${fetch.element};\nalias Element = ${inFours ? 'vec4f' : 'f32'};\n`;
  return {
    name: `gather ${storage} ${inFours ? 4 : 1}`,
    code: `${types}${code}\n${fetch.code}\n`,
    bindings: ['read', 'read', 'write'],
    params,
    cut: ['x'],
  };
}

interface GatherLaunch<D> {
  /** [count, cols], of any storage. */
  table: Bindable;
  /** u32 [rows] */
  ids: Bindable;
  /** [rows, cols], f32 */
  out: Bindable;
  rows: Dyn<D>;
  cols: number;
  /**
   * The table has the rows of ids [first, first + count), if it is a part of a larger table. Rows
   * of `out` for other ids are not written.
   */
  first?: number;
  count?: number;
  /** 1 if absent. */
  scale?: number | undefined;
  label?: string;
}

/** out[r,:] = scale * table[ids[r],:]: an embedding look-up, or a selection of rows. */
export function gather<D>(launch: GatherLaunch<D>): Op<D> {
  const { table, ids, out, rows, cols, first = 0, count = 0xffffffff, scale = 1, label } = launch;
  const inFours = cols % 4 === 0;
  const storage = ('storage' in table && table.storage) || 'f32';
  return op<D, typeof params>(kernelFor(storage, inFours), {
    ...(label && { label }),
    bindings: [table, ids, out],
    params: { rows, cols: inFours ? cols / 4 : cols, first, count, scale },
    grid: (d) => foldGrid(Math.ceil(resolve(rows, d) / 4)),
    bytes: (d) => 8 * resolve(rows, d) * cols,
  });
}
