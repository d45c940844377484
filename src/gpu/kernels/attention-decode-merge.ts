/**
 * Flash-decoding (Dao et al. 2023): where rows are few and long, several workgroups share the keys of
 * each, and a launch of its own merges what they have found.
 */
import type { Activation } from '../activations.ts';
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './attention-decode-merge.wgsl?raw';
import { vec4s } from './attention-tiling.ts';
import { SIDE_BY_SIDE } from './matmul-choice.ts';

/**
 * More workgroups than half of those that a middling card runs side by side have no gain: each has 16 KiB
 * on its way at a time, and together they load as fast as memory can.
 */
const MOST_WORKGROUPS = SIDE_BY_SIDE / 2;

/** A part with fewer keys takes no longer than the launch that merges the parts. */
const LEAST_KEYS = 256;

/** An invocation of that launch goes through all parts of a row. */
const MOST_PARTS = 16;

const mostPartsOf = (keys: number): number => Math.min(MOST_PARTS, keys / LEAST_KEYS);

/**
 * Into how many parts a card cuts rows of so many keys (on average), if a part of all rows has so many
 * workgroups. It depends on nothing but the sizes: a run must give the same numbers again.
 */
export function partsOfKeys(workgroups: number, keys: number): number {
  return Math.max(1, Math.floor(Math.min(MOST_WORKGROUPS / workgroups, mostPartsOf(keys))));
}

/** Parts of all rows, at most, in replays of up to `rows` rows with several parts of up to `keys` keys. */
export function mostPartsOfRows(workgroupsOfRow: number, rows: number, keys: number): number {
  if (partsOfKeys(workgroupsOfRow, keys) === 1) return 0;
  return Math.floor(Math.min(MOST_WORKGROUPS / workgroupsOfRow, rows * mostPartsOf(keys)));
}

/** Elements that a part of a row's keys takes for each head. */
export const partElements = (headDim: number): number => headDim + 4;

const merge = {
  name: 'attention-decode-merge',
  code,
  bindings: ['read', 'write'],
  params: { rows: 'u32', heads: 'u32', fours: 'u32', parts: 'u32' },
} as const satisfies Kernel;

/** partials [rows, heads, parts, headDim + 4] -> o [rows, heads * headDim]; not run with one part. */
export function mergeParts<D>(a: {
  partials: Activation;
  o: Bindable;
  rows: Dyn<D>;
  heads: number;
  headDim: number;
  parts: (dims: D) => number;
  label: string;
}): Op<D> {
  const { rows, heads, parts } = a;
  const fours = vec4s(a.headDim);
  return op<D, (typeof merge)['params']>(merge, {
    label: a.label,
    bindings: [a.partials, a.o],
    params: { rows, heads, fours, parts },
    grid: (dims) =>
      parts(dims) === 1 ? [0] : [Math.ceil((resolve(rows, dims) * heads * fours) / 64)],
  });
}
