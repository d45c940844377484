/** Fills the KV cache from the packed projections of prefill or of one decoding step. */
import {
  foldGrid,
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Kernel,
  type Op,
  type ParamType,
} from '../kernel.ts';
import { vec4s } from './attention-tiling.ts';
import ringPrelude from './attention-ring.wgsl?raw';
import code from './kv-store.wgsl?raw';
import { ringParams, ringParamTypes, type Ring } from './ring.ts';
import { unroll } from './unroll.ts';

const kernel = {
  name: 'kv-store',
  code: unroll(code, { RING: 0 }),
  bindings: ['read', 'read', 'write'],
  params: {
    rows: 'u32',
    qkvStride: 'u32',
    kOffset: 'u32',
    vOffset: 'u32',
    width: 'u32',
    cacheStride: 'u32',
    step: 'u32',
  },
} as const satisfies Kernel;

const inRing = {
  ...kernel,
  name: 'kv-store-ring',
  code: ringPrelude + unroll(code, { RING: 1 }),
  params: { ...kernel.params, ...ringParamTypes },
} as const satisfies Kernel;

/**
 * Copies k and v of row i into cache row spans[i].w - 1 + step, laid out k (width) | v (width).
 * Strides, offsets and `width` (kvHeads * headDim) count elements, multiples of 4; `vOffset` is
 * kOffset + width unless given. No two rows may have the same cache row.
 */
export function kvStore<D>(a: {
  qkv: Bindable;
  cache: Bindable;
  spans: Bindable;
  rows: Dyn<D>;
  qkvStride: number;
  kOffset: number;
  vOffset?: number;
  width: number;
  cacheStride: number;
  step?: Dyn<D>;
  /** The cache is that of a layer with a window, and its row is the ring's. */
  ring?: Ring | undefined;
  label?: string;
}): Op<D> {
  return op<D, Record<string, ParamType>>(a.ring ? inRing : kernel, {
    label: a.label,
    bindings: [a.qkv, a.spans, a.cache],
    params: {
      ...(a.ring && ringParams(a.ring)),
      rows: a.rows,
      qkvStride: vec4s(a.qkvStride),
      kOffset: vec4s(a.kOffset),
      vOffset: vec4s(a.vOffset ?? a.kOffset + a.width),
      width: vec4s(a.width),
      cacheStride: vec4s(a.cacheStride),
      step: a.step ?? 0,
    },
    grid: (dims) => foldGrid(Math.ceil((resolve(a.rows, dims) * vec4s(a.width)) / 64)),
  });
}
