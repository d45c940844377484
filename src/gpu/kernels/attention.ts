/**
 * Causal attention over packed sequences: the sequences of a batch follow one another in one list
 * of tokens, and the completions of a group share the keys of their prompt. Forward: online softmax
 * (Milakov & Gimelshein 2018). Backward: recomputes the scores (FlashAttention, Dao et al. 2022).
 */
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import type { KernelVariants } from '../variants.ts';
import dkvCode from './attention-dkv.wgsl?raw';
import dqCode from './attention-dq.wgsl?raw';
import { tiled, tileGrid, tilingOf, vec4s } from './attention-tiling.ts';
import code from './attention.wgsl?raw';

export const queryParamTypes = {
  tokens: 'u32',
  heads: 'u32',
  group: 'u32',
  scale: 'f32',
  qStride: 'u32',
  qOffset: 'u32',
  kvStride: 'u32',
  kOffset: 'u32',
  vOffset: 'u32',
  step: 'u32',
} as const;

const backwardParams = {
  tokens: 'u32',
  heads: 'u32',
  group: 'u32',
  scale: 'f32',
  stride: 'u32',
  kOffset: 'u32',
  vOffset: 'u32',
  dStride: 'u32',
} as const;

const forward = {
  name: 'attention',
  code,
  bindings: ['read', 'read', 'read', 'write', 'write'],
  params: queryParamTypes,
  cut: 'x',
} as const satisfies Kernel;

const dq = {
  name: 'attention-dq',
  code: dqCode,
  bindings: ['read', 'read', 'read', 'read', 'read', 'write', 'write'],
  params: backwardParams,
  cut: 'x',
} as const satisfies Kernel;

const dkv = {
  name: 'attention-dkv',
  code: dkvCode,
  bindings: ['read', 'read', 'read', 'read', 'read', 'write'],
  params: backwardParams,
  cut: 'x',
} as const satisfies Kernel;

interface Heads<D> {
  tokens: Dyn<D>;
  heads: number;
  kvHeads: number;
  /** A multiple of 4. */
  headDim: number;
  /** Factor of the scores: 1 / sqrt(headDim) in most models. */
  scale: number;
  /** The number of (query, key) pairs in all spans; used only to count flops. */
  pairs?: Dyn<D>;
  label?: string;
}

export interface Queries<D> extends Heads<D> {
  /** Query head h of row i at i * qStride + qOffset + h * headDim. */
  q: Bindable;
  qStride: number;
  qOffset: number;
  /** Key head of row j at j * kvStride + kOffset + hk * headDim; values at vOffset. */
  kv: Bindable;
  kvStride: number;
  kOffset: number;
  vOffset: number;
  /** vec4u (x, y, z, w) per query: it sees the key rows [x, y) and [z, w + step), at least one. */
  spans: Bindable;
  step?: Dyn<D>;
  /** [tokens, heads * headDim] */
  o: Bindable;
}

/** Two products over the pairs. Forward: q k^T and weights v. Backward: two gradients a kernel. */
export function pairFlops<D>({ heads, headDim, pairs = 0 }: Heads<D>) {
  return (dims: D): number => 2 * 2 * heads * headDim * resolve(pairs, dims);
}

export function queryParams<D>(a: Queries<D>) {
  return {
    tokens: a.tokens,
    heads: a.heads,
    group: a.heads / a.kvHeads,
    scale: a.scale,
    qStride: vec4s(a.qStride),
    qOffset: vec4s(a.qOffset),
    kvStride: vec4s(a.kvStride),
    kOffset: vec4s(a.kOffset),
    vOffset: vec4s(a.vOffset),
    step: a.step ?? 0,
  };
}

/**
 * Writes o = softmax(scale * q k^T) v, over the keys of each query's span, and lse [tokens, heads],
 * the natural log-sum-exp of the scaled scores, which the backward reads.
 * @throws Error when a size or offset is no multiple of 4
 */
export function attention<D>(a: Queries<D> & { lse: Bindable }): Op<D> {
  return variants((variant) => attentionAs(variant, a));
}

type Variant = KernelVariants['attention'];

function variants<D>(launch: (variant: Variant) => Op<D>): Op<D> {
  return { ...launch('own'), lower: ({ attention: variant }) => [launch(variant)] };
}

function attentionAs<D>(variant: Variant, a: Queries<D> & { lse: Bindable }): Op<D> {
  const tiling = tilingOf(a.headDim, a.heads / a.kvHeads, variant);
  return op<D, typeof queryParamTypes>(tiled(forward, tiling, { LSE: true }), {
    label: a.label,
    bindings: [a.q, a.kv, a.spans, a.o, a.lse],
    params: queryParams(a),
    grid: tileGrid(a.tokens, a.heads, tiling),
    flops: pairFlops(a),
  });
}

export interface AttentionBackward<D> extends Heads<D> {
  qkv: Bindable;
  rowStride: number;
  kOffset: number;
  vOffset: number;
  o: Bindable;
  dO: Bindable;
  lse: Bindable;
  delta: Bindable;
  spans: Bindable;
  viewEnd: Bindable;
  dQkv: Bindable;
}

/**
 * Writes dQkv [tokens, (heads + 2 kvHeads) * headDim] = dq | dk | dv, for self-attention over one
 * packed buffer qkv [tokens, rowStride] of queries (at offset 0 of a row), keys and values.
 * o, lse and spans are those of the forward, with step 0; delta [tokens, heads] is scratch.
 * viewEnd, u32 [tokens]: key row j must be seen by exactly the queries in [j, viewEnd[j]).
 */
export function attentionBackward<D>(a: AttentionBackward<D>): Op<D>[] {
  return [
    variants((variant) => queriesBackward(variant, a)),
    variants((variant) => keysBackward(variant, a)),
  ];
}

function queriesBackward<D>(variant: Variant, a: AttentionBackward<D>): Op<D> {
  const tiling = tilingOf(a.headDim, a.heads / a.kvHeads, variant, 'dq');
  return op<D, typeof backwardParams>(tiled(dq, tiling), {
    label: a.label,
    bindings: [a.qkv, a.o, a.dO, a.lse, a.spans, a.delta, a.dQkv],
    params: backwardArguments(a),
    grid: tileGrid(a.tokens, a.heads, tiling),
    flops: pairFlops(a),
  });
}

function keysBackward<D>(variant: Variant, a: AttentionBackward<D>): Op<D> {
  // A key head has no other heads to share loads with; neighbouring keys share their viewers.
  const tiling = tilingOf(a.headDim, 1, variant, 'dkv');
  return op<D, typeof backwardParams>(tiled(dkv, tiling), {
    label: a.label,
    bindings: [a.qkv, a.dO, a.lse, a.delta, a.viewEnd, a.dQkv],
    params: backwardArguments(a),
    grid: tileGrid(a.tokens, a.kvHeads, tiling),
    flops: pairFlops(a),
  });
}

function backwardArguments<D>(a: AttentionBackward<D>) {
  return {
    tokens: a.tokens,
    heads: a.heads,
    group: a.heads / a.kvHeads,
    scale: a.scale,
    stride: vec4s(a.rowStride),
    kOffset: vec4s(a.kOffset),
    vOffset: vec4s(a.vOffset),
    dStride: vec4s((a.heads + 2 * a.kvHeads) * a.headDim),
  };
}
