/** Rotates the heads of one decoding step and fills the KV cache, in one launch; for adapters on the CPU. */
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
import ringPrelude from './attention-ring.wgsl?raw';
import cosSin from './cos-sin.wgsl?raw';
import { elementOf } from './element.ts';
import { ringParams, ringParamTypes, type Ring } from './ring.ts';
import code from './rope-store.wgsl?raw';
import { lanesOf } from './rope.ts';
import { unroll } from './unroll.ts';

const kernel = {
  name: 'rope-store',
  code: cosSin + unroll(code, { RING: 0 }),
  bindings: ['write', 'read', 'read', 'write'],
  params: {
    rows: 'u32',
    heads: 'u32',
    kvHeads: 'u32',
    half: 'u32',
    headSize: 'u32',
    factor: 'f32',
    step: 'u32',
  },
  cut: ['x'],
} as const satisfies Kernel;

const inRing = {
  ...kernel,
  name: 'rope-store-ring',
  code: ringPrelude + cosSin + unroll(code, { RING: 1 }),
  params: { ...kernel.params, ...ringParamTypes },
} as const satisfies Kernel;

/**
 * Rotates q of qkv [rows, (heads + 2 kvHeads) * headDim] in place, and writes rotated k | v of row i to
 * cache row spans[i].w - 1 + step, which no two rows may share. The position of a row is the number of
 * keys before its own; frequencies, rotaryDim and factor as for `rope`.
 */
export function ropeStore<D>(a: {
  qkv: Bindable;
  cache: Bindable;
  spans: Bindable;
  frequencies: Bindable;
  rows: Dyn<D>;
  heads: number;
  kvHeads: number;
  headDim: number;
  rotaryDim?: number | undefined;
  factor?: number | undefined;
  step: Dyn<D>;
  /** The cache is that of a layer with a window, and its row is the ring's. */
  ring?: Ring | undefined;
}): Op<D> {
  const { headDim, rotaryDim = headDim } = a;
  const { width, load } = elementOf(rotaryDim / 2, headDim);
  const half = rotaryDim / 2 / width;
  const lanes = lanesOf(half);
  return op<D, Record<string, ParamType>>(load(a.ring ? inRing : kernel), {
    bindings: [a.qkv, a.spans, a.frequencies, a.cache],
    params: {
      ...{ rows: a.rows, heads: a.heads, kvHeads: a.kvHeads, step: a.step, half },
      ...{ headSize: headDim / width, factor: a.factor ?? 1 },
      ...(a.ring && ringParams(a.ring)),
    },
    constants: { HALF_LANES: lanes },
    grid: (dims) => foldGrid(Math.ceil((resolve(a.rows, dims) * lanes) / 64)),
  });
}
