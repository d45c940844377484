/** Attention for decoding, one launch after the other: for adapters on the CPU, where barriers are slow. */
import { Activation } from '../activations.ts';
import { op, resolve, type Bindable, type Kernel, type Op, type ParamType } from '../kernel.ts';
import type { View } from '../memory.ts';
import { qkvWidth, type DecodeAttention } from './attention-decode-launch.ts';
import ringPrelude from './attention-ring.wgsl?raw';
import { tiled, tileGrid, tilingOf, vec4s } from './attention-tiling.ts';
import { pairFlops, queryParams, queryParamTypes } from './attention.ts';
import aloneCode from './attention.wgsl?raw';
import { copy } from './copy.ts';
import { kvStore } from './kv-store.ts';
import { matmul } from './matmul.ts';
import { ringParams, ringParamTypes } from './ring.ts';
import { rmsNorm } from './rms-norm.ts';
import { rope } from './rope.ts';

const alone = {
  name: 'attention-decode-alone',
  code: aloneCode,
  bindings: ['read', 'read', 'read', 'write'],
  params: queryParamTypes,
  cut: 'x',
} as const satisfies Kernel;

const aloneInRing = {
  ...alone,
  name: 'attention-decode-alone-ring',
  code: ringPrelude + aloneCode,
  params: { ...queryParamTypes, ...ringParamTypes },
} as const satisfies Kernel;

/** The same in one launch after the other; an invocation takes all keys of a query. */
export function inParts<D>(a: DecodeAttention<D>): Op<D>[] {
  const { cache, spans, tokens: rows, step, heads, kvHeads, headDim, norms, ring } = a;
  const [qWidth, width] = [heads * headDim, kvHeads * headDim];
  const stride = qkvWidth(a);
  const qkv = norms ? new Activation('normed-qkv', a.maxTokens * stride) : a.qkv;
  const queries = {
    ...{ q: qkv, kv: cache, spans, o: a.o, tokens: rows, step },
    ...{ heads, kvHeads, headDim, scale: a.scale, ...(a.pairs && { pairs: a.pairs }) },
    ...{ qStride: stride, qOffset: 0, kvStride: 2 * width, kOffset: 0, vOffset: width },
  };
  const tiling = {
    ...tilingOf(headDim, heads / kvHeads, 'shared'),
    ...{ vecs: vec4s(headDim), slices: 1, shared: false, rows: 1, tiles: 16 },
  };
  const kept = { LSE: false, RING: ring !== undefined, WHOLE: ring === undefined };
  return [
    ...addAdapter(a),
    ...(norms ? normHeads(a, qkv) : []),
    rope<D>({
      ...{ x: qkv, positions: a.positions, frequencies: a.frequencies, rows, step },
      ...{ heads: heads + kvHeads, headDim, rowStride: stride, offset: 0, direction: 1 },
      ...(a.rotaryDim && { rotaryDim: a.rotaryDim }),
      ...(a.ropeFactor && { factor: a.ropeFactor }),
    }),
    kvStore<D>({
      ...{ qkv, cache, spans, rows, step, width, ring },
      ...{ qkvStride: stride, kOffset: qWidth, cacheStride: 2 * width },
    }),
    op<D, Record<string, ParamType>>(tiled(ring ? aloneInRing : alone, tiling, kept), {
      label: a.label ?? 'attention-decode',
      bindings: [qkv, cache, spans, a.o],
      params: { ...queryParams(queries), ...(ring && ringParams(ring)) },
      grid: tileGrid(rows, heads, tiling),
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
