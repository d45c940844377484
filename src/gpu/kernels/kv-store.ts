/** Fills the KV cache from the packed projections of prompts; a decoding step's are in rope-store.ts. */
import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { vec4s } from './attention-tiling.ts';
import code from './kv-store.wgsl?raw';

const kernel = {
  name: 'kv-store',
  code,
  bindings: ['read', 'read', 'write'],
  params: {
    rows: 'u32',
    qkvStride: 'u32',
    kOffset: 'u32',
    vOffset: 'u32',
    width: 'u32',
    cacheStride: 'u32',
  },
  cut: ['x'],
} as const satisfies Kernel;

/**
 * Copies k and v of row sources[i] (u32) into cache row i, laid out k (width) | v (width), for the first
 * `rows` rows of the cache. Strides, offsets and `width` (kvHeads * headDim) count elements, multiples of 4;
 * `vOffset` is kOffset + width unless given.
 */
export function kvStore<D>(a: {
  qkv: Bindable;
  cache: Bindable;
  sources: Bindable;
  rows: Dyn<D>;
  qkvStride: number;
  kOffset: number;
  vOffset?: number;
  width: number;
  cacheStride: number;
  label?: string;
}): Op<D> {
  return op<D, (typeof kernel)['params']>(kernel, {
    label: a.label,
    bindings: [a.qkv, a.sources, a.cache],
    params: {
      rows: a.rows,
      qkvStride: vec4s(a.qkvStride),
      kOffset: vec4s(a.kOffset),
      vOffset: vec4s(a.vOffset ?? a.kOffset + a.width),
      width: vec4s(a.width),
      cacheStride: vec4s(a.cacheStride),
    },
    grid: (dims) => foldGrid(Math.ceil((resolve(a.rows, dims) * vec4s(a.width)) / 64)),
  });
}
