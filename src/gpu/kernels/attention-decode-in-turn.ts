/** Attention for decoding, one launch after the other: for adapters on the CPU, where barriers are slow. */
import { Activation } from '../activations.ts';
import { op, resolve, type Bindable, type Kernel, type Op, type ParamType } from '../kernel.ts';
import type { View } from '../memory.ts';
import { qkvWidth, type DecodeAttention } from './attention-decode-launch.ts';
import ringPrelude from './attention-ring.wgsl?raw';
import { tiled, tileGrid, tilingOf, vec4s } from './attention-tiling.ts';
import { pairFlops } from './attention.ts';
import aloneCode from './attention-decode-alone.wgsl?raw';
import { copy } from './copy.ts';
import { matmul } from './matmul.ts';
import { ringParams, ringParamTypes } from './ring.ts';
import { rmsNorm } from './rms-norm.ts';
import { ropeStore } from './rope-store.ts';

/** Rows of a workgroup: with few, there are enough workgroups for all threads. */
const ROWS_PER_GROUP = 16;

/** In vec4s: of longer heads, the kernel with two walks takes ten seconds to compile. */
const MOST_TOGETHER = 16;

const alone = {
  name: 'attention-decode-alone',
  code: aloneCode,
  bindings: ['read', 'read', 'read', 'write'],
  params: { tokens: 'u32', heads: 'u32', group: 'u32', scale: 'f32', step: 'u32' },
  cut: ['x', 'y'],
} as const satisfies Kernel;

const aloneInRing = {
  ...alone,
  name: 'attention-decode-alone-ring',
  code: ringPrelude + aloneCode,
  params: { ...alone.params, ...ringParamTypes },
} as const satisfies Kernel;

/** The same in one launch after the other; an invocation takes all keys of a query. */
export function inTurn<D>(a: DecodeAttention<D>): Op<D>[] {
  const { cache, spans, tokens, step, heads, kvHeads, headDim, norms, ring } = a;
  const qkv = norms ? new Activation('normed-qkv', a.maxTokens * qkvWidth(a)) : a.qkv;
  const vecs = vec4s(headDim);
  const { shared: whole, ...cut } = tilingOf(headDim, heads / kvHeads, 'shared');
  const shared = whole && vecs <= MOST_TOGETHER;
  const tiling = { ...cut, shared, vecs, slices: 1, rows: 1, tiles: ROWS_PER_GROUP };
  const parts = {
    ...{ RING: ring !== undefined, WHOLE: ring === undefined },
    // A walk together, if there is one, and one alone.
    ...{ WALKS: shared ? 2 : 1, TOGETHER_0: shared, ALONE_0: !shared },
    ...{ TOGETHER_1: false, ALONE_1: true },
  };
  return [
    ...addAdapter(a),
    ...(norms ? normHeads(a, qkv) : []),
    ropeStore<D>({
      ...{ qkv, cache, spans, frequencies: a.frequencies, rows: tokens, step, ring },
      ...{ heads, kvHeads, headDim, rotaryDim: a.rotaryDim, factor: a.ropeFactor },
    }),
    op<D, Record<string, ParamType>>(tiled(ring ? aloneInRing : alone, tiling, parts), {
      label: a.label ?? 'attention-decode',
      bindings: [qkv, cache, spans, a.o],
      params: {
        ...{ tokens, heads, group: heads / kvHeads, scale: a.scale, step },
        ...(ring && ringParams(ring)),
      },
      grid: tileGrid(tokens, heads, tiling),
      flops: pairFlops(a),
    }),
  ];
}

/** Adds the adapter's part to qkv, in place. */
export function addAdapter<D>(a: DecodeAttention<D>): Op<D>[] {
  if (!a.adapter) return [];
  const { h, b, rank, parts } = a.adapter;
  const stride = qkvWidth(a);
  return parts.map(({ row, rows: n, bRow }, part) =>
    matmul<D>({
      layout: 'nt',
      a: { of: h, offset: part * rank, stride: parts.length * rank },
      b: { of: b, offset: bRow * rank, stride: rank },
      c: { of: a.qkv, offset: row, stride },
      ...{ m: a.tokens, n, k: rank, accumulate: true, label: 'qkv adapter' },
    }),
  );
}

/** a.qkv -> y; the values have no norm. */
export function normHeads<D>(a: DecodeAttention<D>, y: Bindable): Op<D>[] {
  const { qkv: x, heads, kvHeads, headDim } = a;
  const norms = a.norms!;
  const rowStride = qkvWidth(a);
  const norm = (weight: View, count: number, offset: number, label: string): Op<D> => {
    const normed = norms.of === 'head' ? count : 1;
    return rmsNorm<D>({
      ...{ x, y, weight, rowStride, offset, label, heads: normed, eps: norms.eps },
      cols: (count * headDim) / normed,
      rows: (dims) => resolve(a.tokens, dims) * normed,
    });
  };
  return [
    copy<D>({ x, y, count: (dims) => resolve(a.tokens, dims) * rowStride }),
    norm(norms.q, heads, 0, 'q-norm'),
    norm(norms.k, kvHeads, heads * headDim, 'k-norm'),
  ];
}
