/** How the work of the attention kernels is cut into invocations, and the kernel text for a cut. */
import { resolve, type Dyn, type Grid, type Kernel, type ParamType } from '../kernel.ts';
import type { KernelVariants } from '../variants.ts';
import ownPrelude from './attention-own.wgsl?raw';
import sharedPrelude from './attention-shared.wgsl?raw';
import slicedPrelude from './attention-sliced.wgsl?raw';
import spansPrelude from './attention-spans.wgsl?raw';
import wholePrelude from './attention-whole.wgsl?raw';
import { unroll } from './unroll.ts';

interface Tiling {
  /** vec4s of a head in one invocation. */
  vecs: number;
  /** Invocations that share a head. */
  slices: number;
  /** Neighbouring rows (queries, or keys) of one invocation. */
  rows: number;
  /** Heads of one invocation. */
  heads: number;
  /** Groups of `slices` invocations in a workgroup. */
  tiles: number;
  /** Four neighbouring invocations, a quad, share what they load: each loads one vec4 of every four. */
  shared: boolean;
}

/** `elements` counted in vec4s, in which the kernels index. */
export function vec4s(elements: number): number {
  if (elements % 4 !== 0) {
    throw new Error(
      `attention takes sizes and offsets in multiples of 4, not ${elements}; choose a model whose ` +
        'head_dim is a multiple of 4',
    );
  }
  return elements / 4;
}

/** The largest of 4, 3, 2, 1 that divides `count`, at most `limit`. */
function evenPart(count: number, limit = 4): number {
  return [4, 3, 2, 1].find((part) => part <= limit && count % part === 0) as number;
}

export type Pass = 'forward' | 'dq' | 'dkv';

/**
 * A head of up to 16 elements (on the CPU 32) stays in one invocation; a longer one is cut into equal
 * parts of at most 16. Each key or value that is loaded serves several queries: heads of one `group`
 * first, because they see the same keys, and then neighbouring rows. On graphics cards, which take
 * most heads in blocks (attention-blocked.ts), 255 registers hold two queries, or one key with its
 * two gradients. On the CPU a quad shares the loads of heads of whole fours of vec4s, which stay in one
 * invocation up to MOST_SHARED: there registers lie in the cache, and a barrier would cost more.
 */
export function tilingOf(
  headDim: number,
  group: number,
  variant: KernelVariants['attention'] = 'blocked',
  pass: Pass = 'forward',
): Tiling {
  const headVecs = vec4s(headDim);
  const onCpu = variant === 'shared';
  const shared = onCpu && headVecs % 4 === 0 && headVecs <= MOST_SHARED;
  const vecs = shared || headVecs <= (onCpu ? 8 : 4) ? headVecs : evenPart(headVecs);
  const slices = headVecs / vecs;
  const sharing = onCpu ? rowsOnCpu(vecs) : pass === 'dkv' ? 1 : 2;
  const heads = evenPart(group, sharing);
  const rows = Math.floor(sharing / heads);
  return { vecs, slices, rows, heads, tiles: Math.floor(64 / slices), shared };
}

/** In vec4s: the longest head that a quad of the CPU shares. The text of its kernel takes seconds to compile. */
const MOST_SHARED = 32;

/** More rows would take half as long again to compile as they are faster. */
function rowsOnCpu(vecs: number): number {
  if (vecs <= 4) return 4;
  return vecs <= 16 ? 2 : 1;
}

/** Workgroups for `tokens` rows of `heads` heads. */
export function tileGrid<D>(tokens: Dyn<D>, heads: number, tiling: Tiling) {
  return (dims: D): Grid => [
    Math.ceil(resolve(tokens, dims) / (tiling.tiles * tiling.rows)),
    heads / tiling.heads,
  ];
}

/** `kernel` unrolled for a tiling; `parts` says which of its marked parts are kept, or how often (unroll.ts). */
export function tiled<P extends Record<string, ParamType>>(
  kernel: Kernel<P>,
  tiling: Tiling,
  parts: Record<string, boolean | number> = {},
): Kernel<P> {
  const { vecs, slices, rows, heads, tiles, shared } = tiling;
  const constants = {
    VECS: vecs,
    SLICES: slices,
    HEAD_VECS: vecs * slices,
    ROWS: rows,
    HEADS: heads,
    TILES: tiles,
  };
  const header = Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`);
  const all = { ...parts, SHARED: shared, OWN: !shared };
  const counts = Object.fromEntries(Object.entries(all).map(([name, n]) => [name, Number(n)]));
  return {
    ...kernel,
    name: `${kernel.name} ${rows}x${heads}x${vecs}x${slices}${shared ? ' shared' : ''}`,
    code: [
      // Where they swap, the lanes of a quad take the same branches: the conditions are broadcast to them.
      ...(shared ? ['enable subgroups;', 'diagnostic(off, subgroup_uniformity);'] : []),
      ...header,
      shared ? sharedPrelude : ownPrelude,
      slices > 1 ? slicedPrelude : wholePrelude,
      spansPrelude,
      unroll(kernel.code, { ...constants, ...counts, FOUR: 4, FOURS: Math.floor(vecs / 4) }),
    ].join('\n'),
  };
}
