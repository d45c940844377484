/**
 * Causal attention over packed sequences: the sequences of a batch follow one another in one list
 * of tokens, and the completions of a group share the keys of their prompt. Forward: online softmax
 * (Milakov & Gimelshein 2018). Backward: recomputes the scores (FlashAttention, Dao et al. 2022).
 */
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Kernel,
  type Op,
  type ParamType,
} from '../kernel.ts';
import type { KernelVariants } from '../variants.ts';
import blockedDkvCode from './attention-blocked-dkv.wgsl?raw';
import blockedDqCode from './attention-blocked-dq.wgsl?raw';
import { blocked, blockGrid, blockOf } from './attention-blocked.ts';
import blockedCode from './attention-blocked.wgsl?raw';
import dkvDeclarations from './attention-dkv-declarations.wgsl?raw';
import dkvCode from './attention-dkv.wgsl?raw';
import dqDeclarations from './attention-dq-declarations.wgsl?raw';
import dqCode from './attention-dq.wgsl?raw';
import { tiled, tileGrid, tilingOf, vec4s, type Pass } from './attention-tiling.ts';
import code from './attention.wgsl?raw';

const queryParamTypes = {
  tokens: 'u32',
  heads: 'u32',
  group: 'u32',
  scale: 'f32',
  qStride: 'u32',
  qOffset: 'u32',
  kvStride: 'u32',
  kOffset: 'u32',
  vOffset: 'u32',
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

/** A kernel that `tiled` completes, and one for graphics cards that `blocked` completes. */
interface PassKernels<P extends Record<string, ParamType>> {
  pass: Pass;
  tiled: Kernel<P>;
  blocked: Kernel<P>;
}

function passKernels<P extends Record<string, ParamType>>(
  pass: Pass,
  kernel: Kernel<P>,
  blockedCode: string,
): PassKernels<P> {
  const named = { ...kernel, name: `${kernel.name}-blocked`, code: blockedCode };
  return { pass, tiled: kernel, blocked: named };
}

/** By heads first, which all have the same work: of a long sequence's rows, the last see the most keys. */
const CUT = ['y', 'x'] as const;

const forward = passKernels(
  'forward',
  {
    name: 'attention',
    code,
    bindings: ['read', 'read', 'read', 'write', 'write'],
    params: queryParamTypes,
    cut: CUT,
  },
  blockedCode,
);

const dq = passKernels(
  'dq',
  {
    name: 'attention-dq',
    code: dqDeclarations + dqCode,
    bindings: ['read', 'read', 'read', 'read', 'read', 'write', 'write'],
    params: backwardParams,
    cut: CUT,
  },
  dqDeclarations + blockedDqCode,
);

const dkvKernel = {
  name: 'attention-dkv',
  code: dkvDeclarations + dkvCode,
  bindings: ['read', 'read', 'read', 'read', 'read', 'write'],
  params: backwardParams,
  cut: CUT,
} as const;

const dkv = passKernels('dkv', dkvKernel, dkvDeclarations + blockedDkvCode);

/** The same for layers with a window. */
const dkvNear = passKernels(
  'dkv',
  {
    ...dkvKernel,
    name: 'attention-dkv-near',
    bindings: [...dkvKernel.bindings, 'read'],
    params: { ...backwardParams, window: 'u32' },
  },
  dkvDeclarations + blockedDkvCode,
);

interface Heads<D> {
  tokens: Dyn<D>;
  heads: number;
  kvHeads: number;
  /** A multiple of 4. */
  headDim: number;
  /** Factor of the scores, positive: 1 / sqrt(headDim) in most models. */
  scale: number;
  /** The number of (query, key) pairs in all spans; used only to count flops. */
  pairs?: Dyn<D>;
  label?: string;
}

interface Queries<D> extends Heads<D> {
  /** Query head h of row i at i * qStride + qOffset + h * headDim. */
  q: Bindable;
  qStride: number;
  qOffset: number;
  /** Key head of row j at j * kvStride + kOffset + hk * headDim; values at vOffset. */
  kv: Bindable;
  kvStride: number;
  kOffset: number;
  vOffset: number;
  /** vec4u (x, y, z, w) per query: it sees the key rows [x, y) and [z, w), at least one. */
  spans: Bindable;
  /** [tokens, heads * headDim] */
  o: Bindable;
}

/** Two products over the pairs. Forward: q k^T and weights v. Backward: two gradients a kernel. */
export function pairFlops<D>({ heads, headDim, pairs = 0 }: Heads<D>) {
  return (dims: D): number => 2 * 2 * heads * headDim * resolve(pairs, dims);
}

function queryParams<D>(a: Queries<D>) {
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
  };
}

/**
 * Writes o = softmax(scale * q k^T) v, over the keys of each query's span, and lse [tokens, heads],
 * the natural log-sum-exp of the scaled scores, which the backward reads.
 * @throws Error when a size or offset is no multiple of 4
 */
export function attention<D>(a: Queries<D> & { lse: Bindable }): Op<D> {
  return onDevice(forward, a, {
    label: a.label,
    bindings: [a.q, a.kv, a.spans, a.o, a.lse],
    params: queryParams(a),
    flops: pairFlops(a),
  });
}

interface AttentionBackward<D> extends Heads<D> {
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
  /** A query sees the keys whose position is less than `size` before its own. positions: u32 [tokens] */
  window?: { size: number; positions: Bindable } | undefined;
}

/**
 * Writes dQkv [tokens, (heads + 2 kvHeads) * headDim] = dq | dk | dv, for self-attention over one
 * packed buffer qkv [tokens, rowStride] of queries (at offset 0 of a row), keys and values.
 * o, lse and spans are those of the forward; delta [tokens, heads] is scratch.
 * viewEnd, u32 [tokens]: key row j must be seen by exactly the queries in [j, viewEnd[j]), or those of
 * them that are in the window.
 */
export function attentionBackward<D>(a: AttentionBackward<D>): Op<D>[] {
  const launch = { label: a.label, params: backwardArguments(a), flops: pairFlops(a) };
  return [
    onDevice(dq, a, {
      ...launch,
      bindings: [a.qkv, a.o, a.dO, a.lse, a.spans, a.delta, a.dQkv],
    }),
    a.window
      ? onDevice(dkvNear, a, {
          ...launch,
          bindings: [a.qkv, a.dO, a.lse, a.delta, a.viewEnd, a.dQkv, a.window.positions],
          params: { ...launch.params, window: a.window.size },
        })
      : onDevice(dkv, a, {
          ...launch,
          bindings: [a.qkv, a.dO, a.lse, a.delta, a.viewEnd, a.dQkv],
        }),
  ];
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

/** A pass by the kernel that suits the device and the head. */
function onDevice<D, P extends Record<string, ParamType>>(
  kernels: PassKernels<P>,
  a: Heads<D>,
  launch: Omit<Parameters<typeof op<D, P>>[1], 'grid'>,
): Op<D> {
  const { pass } = kernels;
  const kept = { WINDOW: 'window' in kernels.tiled.params };
  // dkv has the heads of the keys. They share no loads, but neighbouring keys share their viewers.
  const [heads, group] = pass === 'dkv' ? [a.kvHeads, 1] : [a.heads, a.heads / a.kvHeads];
  const as = (variant: KernelVariants['attention']): Op<D> => {
    const block = variant === 'blocked' ? blockOf(a.headDim, pass) : undefined;
    if (block) {
      const grid = blockGrid(a.tokens, heads, block);
      return op<D, P>(blocked(kernels.blocked, block, pass, kept), { ...launch, grid });
    }
    const tiling = tilingOf(a.headDim, group, variant, pass);
    const grid = tileGrid(a.tokens, heads, tiling);
    return op<D, P>(tiled(kernels.tiled, tiling, kept), { ...launch, grid });
  };
  return { ...as('blocked'), lower: ({ attention: variant }) => [as(variant)] };
}
