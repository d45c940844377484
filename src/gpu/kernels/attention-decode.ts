/**
 * Attention for decoding: one new token per sequence over a KV cache. On graphics cards one kernel
 * does all that lies between the projections of the tokens and the output of attention. Adapters on
 * the CPU, where barriers are slow, take one kernel after the other.
 */
import { Activation } from '../activations.ts';
import { op, resolve, type Kernel, type Op, type ParamType } from '../kernel.ts';
import type { View } from '../memory.ts';
import adapterCode from './attention-decode-adapter.wgsl?raw';
import { addAdapter, inTurn, normHeads } from './attention-decode-in-turn.ts';
import {
  qkvWidth,
  type DecodeAttention,
  type HeadNorms,
  type QkvAdapter,
} from './attention-decode-launch.ts';
import {
  mergeParts,
  mostPartsOfRows,
  partElements,
  partsOfKeys,
} from './attention-decode-merge.ts';
import code from './attention-decode.wgsl?raw';
import ringPrelude from './attention-ring.wgsl?raw';
import { vec4s } from './attention-tiling.ts';
import { pairFlops } from './attention.ts';
import cosSin from './cos-sin.wgsl?raw';
import { elementOf } from './element.ts';
import { ringParams, ringParamTypes } from './ring.ts';
import { unroll } from './unroll.ts';

/**
 * Adds the adapter's part to qkv, norms and rotates q and k, stores k and v in the cache, and writes
 * o = softmax(scale * q k^T) v over the keys of each token's span.
 * @throws Error when headDim is no multiple of 4, or a head does not fit into a workgroup's memory
 */
export function attentionDecode<D>(a: DecodeAttention<D>): Op<D> {
  const onCard = a.norms?.of === 'all' ? normedBefore(a) : attend(a);
  return {
    ...onCard.at(-1)!,
    lower: ({ attention }) =>
      attention === 'shared' && a.headDim <= LONGEST_IN_TURN ? inTurn(a) : onCard,
  };
}

/** A norm of all heads together needs them before the workgroups of single heads begin. */
function normedBefore<D>(a: DecodeAttention<D>): Op<D>[] {
  const qkv = new Activation('normed-qkv', a.maxTokens * qkvWidth(a));
  return [
    ...addAdapter(a),
    ...normHeads(a, qkv),
    ...attend({ ...a, qkv, norms: undefined, adapter: undefined }),
  ];
}

/** An invocation on the CPU holds a head of this many elements; a longer one is shared by several. */
const LONGEST_IN_TURN = 128;

/** A launch with the keys of a row whole, and two for replays that cut them, if there can be any. */
function attend<D>(a: DecodeAttention<D>): Op<D>[] {
  const { heads, maxTokens, maxKeys, tokens, pairs = 0 } = a;
  const [{ HEADS }] = cutsOf(a);
  const most = mostPartsOfRows(heads / HEADS, maxTokens, maxKeys);
  if (most === 0) return [inOneLaunch(a)];
  const parts = (dims: D): number => {
    const rows = resolve(tokens, dims);
    return partsOfKeys((rows * heads) / HEADS, resolve(pairs, dims) / rows);
  };
  return [inOneLaunch(a, { parts }), ...inParts(a, parts, most)];
}

/**
 * The launches of replays that cut the keys of a row into several parts.
 * @param most parts of all rows of any replay
 */
export function inParts<D>(
  a: DecodeAttention<D>,
  parts: (dims: D) => number,
  most: number,
): Op<D>[] {
  const { heads, headDim, o, tokens: rows, label = NAME } = a;
  const partials = new Activation('attention parts', most * heads * partElements(headDim));
  return [
    inOneLaunch(a, { parts, partials }),
    mergeParts({ partials, o, rows, heads, headDim, parts, label: `${label} merge` }),
  ];
}

const NAME = 'attention-decode';

interface Parts<D> {
  /** Only some replays run the launch: those with several parts if it has `partials`, else those with one. */
  parts?: (dims: D) => number;
  /** Takes the results of the parts in place of o. */
  partials?: Activation;
}

function inOneLaunch<D>(
  a: DecodeAttention<D>,
  { parts = () => 1, partials }: Parts<D> = {},
): Op<D> {
  const { heads, kvHeads, scale, step, norms, adapter, ring } = a;
  const cuts = cutsOf(a);
  const workgroups = heads / cuts[0].HEADS;
  const [first, ...others] = (partials ? cuts.slice(-1) : cuts).map((cut) =>
    kernelOf(a, cut, partials !== undefined),
  ) as [Kernel<Params>, ...Kernel<Params>[]];
  const runs = (dims: D): boolean => parts(dims) > 1 === !!partials;
  return op<D, Params>(first, {
    label: a.label ?? NAME,
    bindings: [
      ...[a.qkv, a.spans, a.frequencies, a.cache, partials ?? a.o],
      ...(norms ? [bothWeights(norms)] : []),
      ...(adapter ? [adapter.h, adapter.b] : []),
    ],
    params: {
      ...{ heads, kvHeads, scale, step, eps: norms?.eps ?? 0 },
      ...(ring && ringParams(ring)),
      ...(partials && { parts }),
    },
    grid: (dims) => (runs(dims) ? [workgroups, resolve(a.tokens, dims), parts(dims)] : [0]),
    flops: (dims) => (runs(dims) ? pairFlops(a)(dims) : 0),
    // The workgroups of a row read its keys and values.
    bytes: (dims) => 8 * a.headDim * workgroups * resolve(a.pairs ?? 0, dims),
    ...(others.length > 0 && { others, pick: (dims) => Number(fewOrLong(a, dims)) }),
  });
}

const params = { heads: 'u32', kvHeads: 'u32', scale: 'f32', step: 'u32', eps: 'f32' } as const;
type Params = Record<keyof typeof params, ParamType>;

function kernelOf<D>(a: DecodeAttention<D>, cut: Cut, ofParts: boolean): Kernel<Params> {
  const { norms, adapter, ring, rotaryDim = a.headDim, ropeFactor = 1 } = a;
  const constants = {
    ...cut,
    TURNED: `${rotaryDim / 2}u`,
    TURN_FACTOR: `f32(${ropeFactor})`,
    ...(norms && normConstants(norms)),
    ...(adapter && adapterConstants(a, adapter)),
  };
  return elementOf(1).load({
    name: [NAME, ofParts && 'parts', ring && 'ring', ...Object.values(constants)]
      .filter((word) => word !== false && word !== undefined)
      .join(' '),
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
        WHOLE: Number(!ofParts),
        IN_PARTS: Number(ofParts),
      }),
    ].join('\n'),
    bindings: [
      ...(['read', 'read', 'read', 'write', 'write'] as const),
      ...(norms ? (['read'] as const) : []),
      ...(adapter ? (['read', 'read'] as const) : []),
    ],
    params: { ...params, ...(ring && ringParamTypes), ...(ofParts && { parts: 'u32' as const }) },
    cut: ['y'],
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
function cutsOf<D>({ headDim, heads: all, kvHeads }: DecodeAttention<D>): [Cut, ...Cut[]] {
  const vecs = vec4s(headDim);
  const sizes =
    vecs <= WHOLE_VECS ? [MANY_SHORT, FEW_OR_LONG] : [[vecs <= 32 ? 128 : 256, 4] as const];
  for (const heads of [4, 3, 2, 1].filter((count) => (all / kvHeads) % count === 0)) {
    const cuts = sizes.map(([lanes, keys]) => cutOf(vecs, heads, lanes, keys));
    const fits = ({ SPLITS, SCRATCH, SCORES }: Cut): boolean =>
      SPLITS > 0 && SCRATCH + SCORES + (heads + 1) * headDim <= WORKGROUP_FLOATS;
    if (cuts.every(fits)) return cuts as [Cut, ...Cut[]];
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
