import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lower } from '../kernel.ts';
import type { View } from '../memory.ts';
import { KERNELS_FOR } from '../variants.ts';
import type { DecodeAttention } from './attention-decode-launch.ts';
import { attentionDecode, inParts } from './attention-decode.ts';
import { referenceAttention } from './attention-reference.ts';
import type { Ring } from './ring.ts';
import { expectClose, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
const boxes: Partial<Record<'card' | 'cpu', Sandbox>> = {};
beforeAll(async () => {
  boxes.card = await Sandbox.open(KERNELS_FOR.card);
  if (boxes.card.gpu.device.features.has('subgroups')) {
    boxes.cpu = await Sandbox.open(KERNELS_FOR.cpu);
  }
});
afterEach(() => box.clear());
afterAll(() => Object.values(boxes).forEach((each) => each.close()));

type Part = 'q' | 'k' | 'v';

interface Case {
  /** Few rows take another kernel than many. */
  copies?: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  norms?: 'head' | 'all';
  /** One part for q, k and v together. */
  fused?: boolean;
  rotaryDim?: number;
  ropeFactor?: number;
  /** The cache is a ring: spans are those of sequences of `ownRows` rows from row `firstOwn` on. */
  ring?: Ring;
  adapted?: readonly Part[];
  rank?: number;
  step?: number;
  spans?: readonly (readonly [number, number, number, number])[];
}

/** Prompts of 70, 1 and no rows; the first token of a sequence, and later ones. */
const SPANS = [
  [0, 70, 71, 72],
  [0, 70, 80, 150],
  [70, 71, 160, 161],
  [0, 0, 170, 171],
  [0, 0, 180, 241],
] as const;
/** Sequences of at most 50 tokens after 80 rows of prompts; those with step 0 are their first tokens. */
const RINGS = [
  {
    ring: { window: 7, firstOwn: 80, ownRows: 50 },
    spans: [
      [0, 70, 80, 81],
      [70, 71, 130, 131],
      [71, 71, 180, 181],
      [3, 70, 230, 231],
    ],
  },
  {
    ring: { window: 60, firstOwn: 80, ownRows: 50 },
    spans: [
      [0, 70, 80, 81],
      [70, 71, 130, 160],
    ],
  },
] as const;
const LONG = [
  [0, 2100, 2101, 2102],
  [10, 300, 2110, 2800],
] as const;

const CASES: Case[] = [
  { heads: 3, kvHeads: 3, headDim: 16 },
  { heads: 3, kvHeads: 3, headDim: 16, copies: 5 },
  { heads: 4, kvHeads: 1, headDim: 16, copies: 13, norms: 'head', adapted: ['q', 'v'], rank: 2 },
  { heads: 2, kvHeads: 1, headDim: 16, copies: 33, spans: LONG },
  { heads: 4, kvHeads: 2, headDim: 16, step: 3 },
  { heads: 3, kvHeads: 3, headDim: 4, norms: 'head' },
  { heads: 3, kvHeads: 1, headDim: 12, adapted: ['q', 'k', 'v'], rank: 3 },
  { heads: 2, kvHeads: 2, headDim: 20, step: 2, norms: 'head' },
  { heads: 9, kvHeads: 3, headDim: 64, adapted: ['q', 'v'], rank: 8 },
  { heads: 9, kvHeads: 3, headDim: 64, step: 1, spans: LONG },
  { heads: 5, kvHeads: 1, headDim: 64, adapted: ['k'], rank: 4 },
  { heads: 7, kvHeads: 1, headDim: 32, adapted: ['v'], rank: 1 },
  { heads: 16, kvHeads: 2, headDim: 80, adapted: ['q'], rank: 4 },
  {
    heads: 4,
    kvHeads: 2,
    headDim: 128,
    norms: 'head',
    adapted: ['q', 'k', 'v'],
    rank: 16,
    step: 3,
  },
  { heads: 4, kvHeads: 1, headDim: 256, norms: 'head' },
  { heads: 2, kvHeads: 1, headDim: 260 },
  { heads: 2, kvHeads: 2, headDim: 512, adapted: ['k', 'v'], rank: 4 },
  { heads: 4, kvHeads: 2, headDim: 16, norms: 'all', adapted: ['q', 'k', 'v'], step: 1 },
  {
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    fused: true,
    rotaryDim: 12,
    ropeFactor: 1.25,
    norms: 'head',
  },
  ...RINGS.map((ring) => ({
    ...{ heads: 4, kvHeads: 2, headDim: 16, copies: 13, norms: 'head' as const, step: 5, ...ring },
  })),
  { heads: 2, kvHeads: 1, headDim: 64, step: 6, adapted: ['q'], ...RINGS[0] },
];

/** Some rows have fewer keys than parts. */
const IN_PARTS: (Case & { parts: number })[] = [
  { parts: 5, heads: 4, kvHeads: 1, headDim: 16, norms: 'head', adapted: ['q', 'v'], rank: 2 },
  { parts: 3, heads: 9, kvHeads: 3, headDim: 64, adapted: ['q', 'k', 'v'], rank: 8 },
  { parts: 2, heads: 4, kvHeads: 2, headDim: 16, norms: 'head', step: 5, ...RINGS[1] },
  { parts: 16, heads: 2, kvHeads: 1, headDim: 64, step: 6, ...RINGS[0] },
];

/** The spans `copies` times, each with a cache row of its own for the sequence's token. */
function copiesOf(spans: NonNullable<Case['spans']>, copies: number, ring?: Ring) {
  const apart = Math.max(...spans.map(([, , , w]) => w)) + 10;
  const rows = ring ? ring.ownRows * spans.length : apart;
  return Array.from({ length: copies }, (_, copy) =>
    spans.map(([x, y, z, w]) => [x, y, z + copy * rows, w + copy * rows] as const),
  ).flat();
}

/** The cache rows that a token sees in a ring, token by token, as a span; and its own row. */
function ringSpan(
  [x, y, z, w]: readonly [number, number, number, number],
  step: number,
  { window, firstOwn, ownRows }: Ring,
) {
  const size = Math.min(window, ownRows);
  const start = firstOwn + ((z - firstOwn) / ownRows) * size;
  const ownTokens = Array.from({ length: w + step - z }, (_, t) => start + (t % size));
  const prompt = Array.from({ length: y - x }, (_, t) => x + t);
  const near = [...prompt, ...ownTokens].slice(-window);
  const [first, own] = [
    near.filter((row) => row < firstOwn),
    near.filter((row) => row >= firstOwn),
  ];
  const from = Math.min(...own);
  expect(new Set(own).size).toBe(Math.max(...own) + 1 - from);
  return {
    seen: [first[0] ?? 0, first.length > 0 ? y : 0, from, Math.max(...own) + 1],
    own: ownTokens.at(-1)!,
  };
}

/** A launch with the inputs of a case; `check` compares o and the cache rows with those in float64. */
function prepare(c: Case, seed: number) {
  const { heads, kvHeads, headDim, norms, adapted = [], rank = 4, step = 0 } = c;
  const { rotaryDim = headDim, ropeFactor = 1, ring } = c;
  const spans = copiesOf(c.spans ?? SPANS, c.copies ?? 1, ring);
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const width = q + 2 * kv;
  const tokens = spans.length;
  const cacheRows = Math.max(...spans.map(([, , , w]) => w)) + step + 1;
  const spanned = { q: [0, q], k: [q, kv], v: [q + kv, kv] } as const;
  let bRows = 0;
  const adaptedParts = c.fused ? ([[0, width]] as const) : adapted.map((name) => spanned[name]);
  const parts = adaptedParts.map(([row, rows]) => {
    bRows += rows;
    return { row, rows, bRow: bRows - rows };
  });
  const data = {
    qkv: seeded(tokens * width, seed, -2, 2),
    cache: seeded(cacheRows * 2 * kv, seed + 1, -2, 2),
    weights: seeded(1024, seed + 2, 0.5, 1.5),
    h: seeded(tokens * parts.length * rank, seed + 3),
    b: seeded(bRows * rank, seed + 4),
    frequencies: Float32Array.from(
      { length: rotaryDim / 2 },
      (_, i) => 10000 ** ((-2 * i) / rotaryDim),
    ),
  };
  const pairs = spans.reduce((sum, [x, y, z, w]) => sum + y - x + w - z + step, 0);
  const maxKeys = Math.max(...spans.map(([x, y, z, w]) => y - x + w - z)) + step;
  const positions = spans.map(([x, y, z, w]) => y - x + w - z - 1);

  const x = Float64Array.from(data.qkv);
  const cache = Float64Array.from(data.cache);
  const queries = new Float64Array(tokens * q);
  for (let i = 0; i < tokens; i++) {
    parts.forEach(({ row, rows, bRow }, part) => {
      for (let e = 0; e < rows; e++) {
        for (let r = 0; r < rank; r++) {
          const left = data.h[(i * parts.length + part) * rank + r]!;
          x[i * width + row + e]! += left * data.b[(bRow + e) * rank + r]!;
        }
      }
    });
    const normed = (from: number, size: number, weights: Float32Array): void => {
      const values = x.subarray(i * width + from, i * width + from + size);
      const mean = values.reduce((sum, value) => sum + value * value, 0) / size;
      values.forEach((value, e) => (values[e] = (value / Math.sqrt(mean + 1e-6)) * weights[e]!));
    };
    if (norms === 'all') {
      normed(0, q, data.weights);
      normed(q, kv, data.weights.subarray(512));
    }
    for (let head = 0; head < heads + kvHeads; head++) {
      const at = i * width + head * headDim;
      const values = x.subarray(at, at + headDim);
      if (norms === 'head') {
        normed(head * headDim, headDim, data.weights.subarray(head < heads ? 0 : 512));
      }
      for (let e = 0; e < rotaryDim / 2; e++) {
        const angle = Math.fround((positions[i]! + step) * data.frequencies[e]!);
        const [left, right] = [values[e]!, values[e + rotaryDim / 2]!];
        values[e] = ropeFactor * (left * Math.cos(angle) - right * Math.sin(angle));
        values[e + rotaryDim / 2] = ropeFactor * (right * Math.cos(angle) + left * Math.sin(angle));
      }
    }
    queries.set(x.subarray(i * width, i * width + q), i * q);
    const own = ring ? ringSpan(spans[i]!, step, ring).own : spans[i]![3] + step - 1;
    cache.set(x.subarray(i * width + q, (i + 1) * width), own * 2 * kv);
  }
  const shape = { tokens, heads, kvHeads, headDim, step, scale: 0.9 / Math.sqrt(headDim) };
  const flat = Uint32Array.from(spans.flat());
  // The reference sees what the kernel should: a ring's rows are those of this step.
  const seen = ring ? spans.flatMap((span) => ringSpan(span, step, ring).seen) : [...flat];
  const layout = { qStride: q, qOffset: 0, kvStride: 2 * kv, kOffset: 0, vOffset: kv };
  const { o } = referenceAttention(
    { ...shape, ...layout, step: ring ? 0 : step },
    queries,
    cache,
    Uint32Array.from(seen),
  );

  const buffers = {
    qkv: box.put(data.qkv),
    cache: box.put(data.cache),
    spans: box.put(flat),
    frequencies: box.put(data.frequencies),
    o: box.marked(o.length),
  };
  const both = box.put(data.weights);
  const half = (byteOffset: number): View => ({ ...both, byteOffset, byteLength: 2048 });
  const launch: DecodeAttention<unknown> = {
    ...{ ...shape, ...buffers, maxTokens: tokens, pairs, maxKeys, rotaryDim, ropeFactor, ring },
    ...(norms && { norms: { of: norms, q: half(0), k: half(2048), eps: 1e-6 } }),
    ...(parts.length > 0 && { adapter: { h: box.put(data.h), b: box.put(data.b), rank, parts } }),
  };
  const check = async (): Promise<void> => {
    expectClose(await box.floats(buffers.o, o.length), o, 2e-5);
    // The rows of the tokens, and no other row, have changed.
    expectClose(await box.floats(buffers.cache, cache.length), cache, 5e-6);
  };
  return { launch, check };
}

/** Long heads are decoded by one kernel everywhere. */
const KERNELS = [
  { set: 'card', cases: CASES },
  { set: 'cpu', cases: CASES.filter(({ headDim, ring }) => headDim <= 32 || ring) },
] as const;

describe.each(KERNELS)('kernels for $set', ({ set, cases }) => {
  beforeEach(({ skip }) => {
    box = boxes[set] ?? skip('the adapter has no subgroups');
  });

  it.each(cases)(
    '$heads heads over $kvHeads of $headDim, norms $norms, adapter on $adapted, step $step, $copies copies',
    async (c) => {
      const { launch, check } = prepare(c, 7);
      await box.run(attentionDecode(launch));
      await check();
    },
  );
});

describe('keys in parts', () => {
  beforeEach(() => {
    box = boxes.card!;
  });

  it.each(IN_PARTS)(
    '$parts parts, $heads heads over $kvHeads of $headDim, norms $norms, adapter on $adapted',
    async ({ parts, ...c }) => {
      const { launch, check } = prepare(c, 7);
      const ops = () => inParts(launch, () => parts, parts * launch.maxTokens);
      await box.run(...ops());
      await check();
      await box.runCut(...ops());
      await check();
    },
  );

  it('are those of few and long rows', async () => {
    const long: Case = { heads: 4, kvHeads: 2, headDim: 16, step: 1, spans: LONG };
    const { launch, check } = prepare({ ...long, norms: 'all', adapted: ['q', 'k', 'v'] }, 7);
    await box.run(attentionDecode(launch));
    await check();
    /** Workgroups along z. */
    const depths = (change: Partial<DecodeAttention<unknown>>): (number | undefined)[] => {
      const changed = { ...launch, ...change, norms: undefined };
      const ops = lower([attentionDecode(changed)], KERNELS_FOR.card);
      // Operations count once.
      const flops = ops.reduce((sum, op) => sum + (op.flops?.(undefined) ?? 0), 0);
      expect(flops).toBe(4 * 4 * 16 * Number(changed.pairs));
      return ops.map(({ grid }) => (grid(undefined).includes(0) ? 0 : grid(undefined)[2]));
    };
    expect(depths({})).toEqual([0, 6, undefined]);
    expect(depths({ pairs: 2 * 511 })).toEqual([1, 0, 0]);
    expect(depths({ tokens: 13, pairs: 13 * 2000 })).toEqual([1, 0, 0]);
    // None is planned where no replay can have any.
    expect(depths({ maxKeys: 511 })).toEqual([1]);
  });
});

it('refuses heads that do not fit', () => {
  box = boxes.card!;
  const { launch } = prepare({ heads: 1, kvHeads: 1, headDim: 8, norms: 'head' }, 1);
  expect(() => attentionDecode({ ...launch, headDim: 6 })).toThrow(/multiples of 4/);
  expect(() => attentionDecode({ ...launch, headDim: 4096 })).toThrow(/too long to decode/);
  const apart = { ...launch.norms!, k: box.marked(8) };
  expect(() => attentionDecode({ ...launch, norms: apart })).toThrow(/in one buffer/);
});
