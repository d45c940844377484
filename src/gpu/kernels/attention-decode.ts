/**
 * Attention for decoding: one new token per sequence over a KV cache. On graphics cards one kernel
 * does all that lies between the projections of the tokens and the output of attention. Adapters on
 * the CPU, where barriers are slow, take one kernel after the other.
 */
import { Activation } from '../activations.ts';
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Kernel,
  type Op,
  type ParamType,
} from '../kernel.ts';
import type { View } from '../memory.ts';
import adapterCode from './attention-decode-adapter.wgsl?raw';
import code from './attention-decode.wgsl?raw';
import { tiled, tileGrid, tilingOf, vec4s } from './attention-tiling.ts';
import { pairFlops, queryParams, queryParamTypes } from './attention.ts';
import ringPrelude from './attention-ring.wgsl?raw';
import aloneCode from './attention.wgsl?raw';
import { copy } from './copy.ts';
import cosSin from './cos-sin.wgsl?raw';
import { elementOf } from './element.ts';
import { kvStore } from './kv-store.ts';
import { matmul } from './matmul.ts';
import { rmsNorm } from './rms-norm.ts';
import { ringParams, ringParamTypes, type Ring } from './ring.ts';
import { rope } from './rope.ts';
import { unroll } from './unroll.ts';

export interface DecodeAttention<D> {
  /** [tokens, (heads + 2 kvHeads) * headDim]: q | k | v of each token, as projected; overwritten. */
  qkv: Bindable;
  /** [*, 2 kvHeads * headDim]: k | v of earlier tokens, rotated. */
  cache: View;
  /**
   * vec4u (x, y, z, w) per token: it sees the cache rows [x, y) and [z, w + step), of which the last
   * gets its own k and v. No token may see the last row of another.
   */
  spans: Bindable;
  /** u32 [tokens]; positions[i] + step must be the number of keys before the token's own. */
  positions: Bindable;
  /** f32 [rotaryDim / 2]; see `rope`. */
  frequencies: Bindable;
  /** As for `rope`. */
  rotaryDim?: number | undefined;
  ropeFactor?: number | undefined;
  /** The cache is that of a layer with a window; spans are those of a whole cache (see Ring). */
  ring?: Ring | undefined;
  /** [tokens, heads * headDim] */
  o: Bindable;
  tokens: Dyn<D>;
  maxTokens: number;
  step: Dyn<D>;
  heads: number;
  kvHeads: number;
  /** A multiple of 4. */
  headDim: number;
  /** Factor of the scores: 1 / sqrt(headDim) in most models. */
  scale: number;
  /** The norms of queries and keys. */
  norms?: HeadNorms | undefined;
  /** The adapter of a qkv that lacks the adapter's part. */
  adapter?: QkvAdapter | undefined;
  /** The number of (query, key) pairs in all spans; used to count flops and to choose a kernel. */
  pairs?: Dyn<D>;
  label?: string;
}

export interface HeadNorms {
  /**
   * head: of every head, with weights [headDim]. all: of the query heads together and of the key heads
   * together, with weights [heads * headDim] and [kvHeads * headDim].
   */
  of: 'head' | 'all';
  q: View;
  /** In the buffer of q. */
  k: View;
  eps: number;
}

/** qkv += h B^T for those of q, k and v that have an adapter; see LinearAdapter in lora.ts. */
export interface QkvAdapter {
  /** [tokens, parts * rank] */
  h: Bindable;
  /** [rows of all parts, rank] */
  b: View;
  rank: number;
  parts: readonly { row: number; rows: number; bRow: number }[];
}

/**
 * Adds the adapter's part to qkv, norms and rotates q and k, stores k and v in the cache, and writes
 * o = softmax(scale * q k^T) v over the keys of each token's span.
 * @throws Error when headDim is no multiple of 4, or a head does not fit into a workgroup's memory
 */
export function attentionDecode<D>(a: DecodeAttention<D>): Op<D> {
  const together = a.norms?.of === 'all' ? normedBefore(a) : [inOneLaunch(a)];
  return {
    ...together.at(-1)!,
    lower: ({ attention }) =>
      attention === 'shared' && a.headDim <= LONGEST_IN_PARTS ? inParts(a) : together,
  };
}

/** A norm of all heads together needs them before the workgroups of single heads begin. */
function normedBefore<D>(a: DecodeAttention<D>): Op<D>[] {
  const qkv = new Activation('normed-qkv', a.maxTokens * qkvWidth(a));
  return [
    ...addAdapter(a),
    ...normHeads(a, qkv),
    inOneLaunch({ ...a, qkv, norms: undefined, adapter: undefined }),
  ];
}

const qkvWidth = <D>({ heads, kvHeads, headDim }: DecodeAttention<D>): number =>
  (heads + 2 * kvHeads) * headDim;

/** An invocation on the CPU holds a head of this many elements; a longer one is shared by several. */
const LONGEST_IN_PARTS = 128;

function inOneLaunch<D>(a: DecodeAttention<D>): Op<D> {
  const { heads, kvHeads, scale, step, norms, adapter, ring } = a;
  const cuts = cutsOf(a.headDim, heads / kvHeads);
  const kernels = cuts.map((cut) => kernelOf(a, cut));
  const [first, ...others] = kernels as [Kernel<Params>, ...Kernel<Params>[]];
  return op<D, Params>(first, {
    label: a.label ?? 'attention-decode',
    bindings: [
      ...[a.qkv, a.spans, a.frequencies, a.cache, a.o],
      ...(norms ? [bothWeights(norms)] : []),
      ...(adapter ? [adapter.h, adapter.b] : []),
    ],
    params: { heads, kvHeads, scale, step, eps: norms?.eps ?? 0, ...(ring && ringParams(ring)) },
    grid: (dims) => [heads / cuts[0]!.HEADS, resolve(a.tokens, dims)],
    flops: pairFlops(a),
    ...(others.length > 0 && { others, pick: (dims) => Number(fewOrLong(a, dims)) }),
  });
}

const params = { heads: 'u32', kvHeads: 'u32', scale: 'f32', step: 'u32', eps: 'f32' } as const;
type Params = Record<keyof typeof params, ParamType>;

function kernelOf<D>(a: DecodeAttention<D>, cut: Cut): Kernel<Params> {
  const { norms, adapter, ring, rotaryDim = a.headDim, ropeFactor = 1 } = a;
  const constants = {
    ...cut,
    TURNED: `${rotaryDim / 2}u`,
    TURN_FACTOR: `f32(${ropeFactor})`,
    ...(norms && normConstants(norms)),
    ...(adapter && adapterConstants(a, adapter)),
  };
  return elementOf(1).load({
    name: `attention-decode ${ring ? 'ring ' : ''}${Object.values(constants).join(' ')}`,
    code: [
      ...Object.entries(constants).map(([name, value]) => `const ${name} = ${value};`),
      cosSin,
      ring ? ringPrelude : '',
      norms ? NORM_WEIGHTS : '',
      adapter ? factorCode(adapter, norms ? 6 : 5) + adapterCode : NOT_ADAPTED,
      unroll(code, {
        ...cut,
        NORMED: Number(norms !== undefined),
        RING: Number(ring !== undefined),
      }),
    ].join('\n'),
    bindings: [
      ...(['read', 'read', 'read', 'write', 'write'] as const),
      ...(norms ? (['read'] as const) : []),
      ...(adapter ? (['read', 'read'] as const) : []),
    ],
    params: { ...params, ...(ring && ringParamTypes) },
    cut: 'y',
  });
}

/** The workgroup memory, in floats, that every device has. */
const WORKGROUP_FLOATS = 4096;

/** The longest head, in vec4s, that an invocation has to itself. */
const WHOLE_VECS = 4;

/** Invocations of a workgroup, and keys that each of them loads at a time. */
const MANY_SHORT = [8, 2] as const;
const FEW_OR_LONG = [64, 1] as const;

/** Few rows, and long ones, take the second of two kernels. */
function fewOrLong<D>({ tokens, pairs = 0, kvHeads }: DecodeAttention<D>, dims: D): boolean {
  const rows = resolve(tokens, dims);
  return rows * kvHeads < 64 || resolve(pairs, dims) > 256 * rows;
}

/** How the work is cut, with the names of attention-decode.wgsl. */
type Cut = ReturnType<typeof cutOf>;

/** The cuts to choose from; all have the same HEADS. */
function cutsOf(headDim: number, group: number): Cut[] {
  const vecs = vec4s(headDim);
  const sizes =
    vecs <= WHOLE_VECS ? [MANY_SHORT, FEW_OR_LONG] : [[vecs <= 32 ? 128 : 256, 4] as const];
  for (const heads of [4, 3, 2, 1].filter((count) => group % count === 0)) {
    const cuts = sizes.map(([lanes, keys]) => cutOf(vecs, heads, lanes, keys));
    const fits = ({ SPLITS, SCRATCH, SCORES }: Cut): boolean =>
      SPLITS > 0 && SCRATCH + SCORES + (heads + 1) * headDim <= WORKGROUP_FLOATS;
    if (cuts.every(fits)) return cuts;
  }
  throw new Error(`heads of ${headDim} elements are too long to decode; choose another model`);
}

function cutOf(HEAD_VECS: number, HEADS: number, LANES: number, KEYS: number) {
  const whole = HEAD_VECS <= WHOLE_VECS;
  const slices = whole ? 1 : HEAD_VECS;
  const SPLITS = Math.floor(LANES / slices);
  const products = whole ? 0 : SPLITS * KEYS * (slices | 1);
  return {
    ...{ HEAD_VECS, HEADS, LANES, KEYS, SPLITS },
    VECS: HEAD_VECS / slices,
    SLICED: Number(!whole),
    SCRATCH: Math.max(
      4 * (HEADS + 2) * HEAD_VECS,
      HEADS * Math.max(products, SPLITS * 4 * HEAD_VECS),
    ),
    SCORES: Math.max((HEADS + 2) * HEAD_VECS, HEADS * SPLITS * Math.max(KEYS, 2)),
  };
}

const NORM_WEIGHTS = `
@group(0) @binding(5) var<storage, read> norm_weights: array<f32>;
`;

/** WebGPU guarantees eight storage buffers, and with an adapter there is one for both norms. */
function bothWeights({ q, k }: HeadNorms): View {
  const first = q.byteOffset < k.byteOffset ? q : k;
  const last = first === q ? k : q;
  if (first.buffer !== last.buffer) throw new Error('head norms must lie in one buffer');
  const byteLength = last.byteOffset + last.byteLength - first.byteOffset;
  return { buffer: first.buffer, byteOffset: first.byteOffset, byteLength };
}

function normConstants(norms: HeadNorms) {
  const { byteOffset } = bothWeights(norms);
  return {
    Q_NORM: `${(norms.q.byteOffset - byteOffset) / 4}u`,
    K_NORM: `${(norms.k.byteOffset - byteOffset) / 4}u`,
  };
}

const NOT_ADAPTED = 'fn adapted(row: u32, at: u32, slot: u32) -> vec4f { return vec4f(); }';

/** The elements of h and B that are read at once. */
const factorWidth = ({ rank }: QkvAdapter): number => (rank % 4 === 0 ? 4 : 1);

function factorCode(adapter: QkvAdapter, binding: number): string {
  const wide = factorWidth(adapter) === 4;
  const element = wide ? 'vec4f' : 'f32';
  return `
@group(0) @binding(${binding}) var<storage, read> h: array<${element}>;
@group(0) @binding(${binding + 1}) var<storage, read> b: array<${element}>;
fn inner(x: ${element}, y: ${element}) -> f32 { return ${wide ? 'dot(x, y)' : 'x * y'}; }
`;
}

function adapterConstants<D>({ heads, kvHeads, headDim }: DecodeAttention<D>, adapter: QkvAdapter) {
  const { rank, parts } = adapter;
  const width = factorWidth(adapter);
  const place = (row: number): string => {
    // q, k and v may have one part together.
    const part = parts.findIndex((one) => one.row <= row && row < one.row + one.rows);
    if (part < 0) return 'vec3u()';
    // The difference may be negative; u32 wraps.
    const shift = (parts[part]!.bRow - parts[part]!.row) >>> 0;
    return `vec3u(1u, ${(part * rank) / width}u, ${shift}u)`;
  };
  return {
    RANK: `${rank / width}u`,
    H_COLUMNS: `${(parts.length * rank) / width}u`,
    PART_Q: place(0),
    PART_K: place(heads * headDim),
    PART_V: place((heads + kvHeads) * headDim),
  };
}

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
function inParts<D>(a: DecodeAttention<D>): Op<D>[] {
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

function addAdapter<D>(a: DecodeAttention<D>): Op<D>[] {
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
function normHeads<D>(a: DecodeAttention<D>, y: Bindable): Op<D>[] {
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
