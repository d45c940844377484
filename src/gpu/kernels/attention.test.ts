import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  pack,
  referenceAttention,
  referenceBackward,
  type AttentionShape,
  type Tree,
} from './attention-reference.ts';
import { attention, attentionBackward } from './attention.ts';
import { centralDifferences, expectClose, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
/** One for each variant of the kernels. */
const boxes: Partial<Record<'blocked' | 'shared', Sandbox>> = {};
beforeAll(async () => {
  boxes.blocked = box = await Sandbox.open({ attention: 'blocked' });
  if (box.gpu.device.features.has('subgroups')) {
    boxes.shared = await Sandbox.open({ attention: 'shared' });
  }
});
afterEach(() => {
  box.clear();
  vi.restoreAllMocks();
});
afterAll(() => Object.values(boxes).forEach((each) => each.close()));

const FOREST: readonly Tree[] = [
  { prompt: 5, completions: [3, 1, 6] },
  { prompt: 1, completions: [] },
  { prompt: 9, completions: [70, 2] },
  { prompt: 2, completions: [4, 4, 5] },
];
/** Longer than the blocks of the kernels for graphics cards, so that some blocks need no mask. */
const WOOD: readonly Tree[] = [
  { prompt: 3, completions: [] },
  { prompt: 140, completions: [70, 150, 3] },
  { prompt: 67, completions: [90] },
];
const THICKET: readonly Tree[] = [
  { prompt: 3, completions: [2, 3] },
  { prompt: 1, completions: [2] },
];

/** Self-attention over one packed buffer q | k | v. */
function packedShape(tokens: number, heads: number, kvHeads: number, headDim: number) {
  const width = (heads + 2 * kvHeads) * headDim;
  return {
    tokens,
    heads,
    kvHeads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    qStride: width,
    qOffset: 0,
    kvStride: width,
    kOffset: heads * headDim,
    vOffset: (heads + kvHeads) * headDim,
  } satisfies AttentionShape;
}

const HEADS = [
  { heads: 4, kvHeads: 2, headDim: 16 },
  { heads: 3, kvHeads: 3, headDim: 16 },
  { heads: 3, kvHeads: 3, headDim: 4 },
  { heads: 3, kvHeads: 1, headDim: 12 },
  { heads: 2, kvHeads: 2, headDim: 20 },
  { heads: 8, kvHeads: 1, headDim: 32 },
  { heads: 9, kvHeads: 3, headDim: 64 },
  { heads: 4, kvHeads: 1, headDim: 80 },
  { heads: 2, kvHeads: 2, headDim: 96 },
  { heads: 2, kvHeads: 1, headDim: 128 },
  { heads: 1, kvHeads: 1, headDim: 256 },
];

const VARIANTS = HEADS.flatMap((heads) =>
  (['blocked', 'shared'] as const).map((variant) => ({ ...heads, variant })),
);

/** Head sizes that are tested with a window. */
const WINDOWS: Record<'blocked' | 'shared', readonly number[]> = {
  blocked: [12, 64],
  shared: [12, 16],
};

const FORESTS = {
  blocked: { THICKET, FOREST, WOOD },
  shared: { THICKET, FOREST },
};

/** Inputs, and float64 results that both variants are compared with. */
function computeWanted(
  forest: readonly Tree[],
  heads: number,
  kvHeads: number,
  headDim: number,
  window?: number,
) {
  const { tokens, spans, viewEnd, positions } = pack(forest, window);
  const shape = packedShape(tokens, heads, kvHeads, headDim);
  const qkv = seeded(tokens * shape.qStride, 1, -2, 2);
  const dO = seeded(tokens * heads * headDim, 3);
  const { o, lse } = referenceAttention(shape, qkv, qkv, spans);
  const dQkv = referenceBackward(shape, qkv, spans, { o, lse }, dO);
  return { shape, spans, viewEnd, positions, window, qkv, dO, o, lse, dQkv };
}
type Wanted = ReturnType<typeof computeWanted>;
const wanted = new Map<string, Wanted>();

/** Forward and backward on the device. */
async function compute({ shape, ...want }: Wanted) {
  const qkv = box.put(want.qkv);
  const launch = {
    ...shape,
    rowStride: shape.qStride,
    ...{ qkv, q: qkv, kv: qkv },
    spans: box.put(want.spans),
    viewEnd: box.put(want.viewEnd),
    dO: box.put(want.dO),
    o: box.marked(want.o.length),
    lse: box.marked(want.lse.length),
    delta: box.marked(want.lse.length),
    dQkv: box.marked(want.dQkv.length),
    ...(want.window && { window: { size: want.window, positions: box.put(want.positions) } }),
  };
  await box.run(attention(launch), ...attentionBackward(launch));
  return {
    o: await box.floats(launch.o, want.o.length),
    lse: await box.floats(launch.lse, want.lse.length),
    dQkv: await box.floats(launch.dQkv, want.dQkv.length),
  };
}

describe.each(VARIANTS)('$heads heads over $kvHeads of $headDim, $variant', (shape) => {
  const { heads, kvHeads, headDim, variant } = shape;
  beforeEach(({ skip }) => {
    box = boxes[variant] ?? skip('the adapter has no subgroups');
  });

  it.each(Object.entries(FORESTS[variant]))('attends and differentiates: %s', async (...named) => {
    const key = `${named[0]} ${heads} ${kvHeads} ${headDim}`;
    const want = wanted.get(key) ?? computeWanted(named[1], heads, kvHeads, headDim);
    wanted.set(key, want);
    const got = await compute(want);
    expectClose(got.o, want.o, 2e-5);
    expectClose(got.lse, want.lse, 2e-5);
    expectClose(got.dQkv, want.dQkv, 5e-5);
  });

  // Few sizes, because a window is another kernel to compile: one of each way to cut the work.
  it.runIf(WINDOWS[variant].includes(headDim))(
    'attends and differentiates in a window',
    async () => {
      const [forest, window] =
        variant === 'blocked' ? ([WOOD, 75] as const) : ([FOREST, 4] as const);
      const want = computeWanted(forest, heads, kvHeads, headDim, window);
      const got = await compute(want);
      expectClose(got.o, want.o, 2e-5);
      expectClose(got.dQkv, want.dQkv, 5e-5);
    },
  );

  it('attends from a cache', async () => {
    const tokens = 5;
    const shape: AttentionShape = {
      ...packedShape(tokens, heads, kvHeads, headDim),
      qStride: heads * headDim + 8,
      qOffset: 4,
      kvStride: 2 * kvHeads * headDim + 4,
      kOffset: 0,
      vOffset: kvHeads * headDim,
    };
    // Two groups: prompts of 70 and 1 keys; then one sequence that has no prefix.
    const spans = Uint32Array.of(
      ...[0, 70, 71, 72],
      ...[0, 70, 80, 150],
      ...[70, 71, 160, 161],
      ...[70, 71, 170, 171],
      ...[0, 0, 0, 61],
    );
    const q = seeded(tokens * shape.qStride, 4, -2, 2);
    const kv = seeded(180 * shape.kvStride, 5, -2, 2);
    const buffers = { q: box.put(q), kv: box.put(kv), spans: box.put(spans) };
    const size = tokens * heads * headDim;
    const o = box.marked(size);
    await box.run(attention({ ...shape, ...buffers, o, lse: box.marked(tokens * heads) }));
    expectClose(await box.floats(o, size), referenceAttention(shape, q, kv, spans).o, 2e-5);
  });

  // Shorter heads have the kernel of attention.wgsl, whose weights are exponentials of differences.
  it.runIf(variant === 'blocked' && headDim > 16)(
    'gives no weight to keys that a query does not see, before it sees any',
    async () => {
      const tokens = 2;
      const kvStride = 2 * kvHeads * headDim;
      const shape: AttentionShape = {
        ...packedShape(tokens, heads, kvHeads, headDim),
        ...{ qStride: heads * headDim, kvStride, kOffset: 0, vOffset: kvHeads * headDim },
      };
      // The first query's keys are walked by both. Their values are so large that a sum overflows.
      const spans = Uint32Array.of(...[0, 70, 80, 81], ...[70, 71, 90, 91]);
      const q = seeded(tokens * shape.qStride, 4, -2, 2);
      const kv = seeded(100 * kvStride, 5, -2, 2).map((x, i) =>
        i < 70 * kvStride && i % kvStride >= kvHeads * headDim ? x * 1e38 : x,
      );
      const size = tokens * heads * headDim;
      const o = box.marked(size);
      const buffers = { q: box.put(q), kv: box.put(kv), spans: box.put(spans) };
      await box.run(attention({ ...shape, ...buffers, o, lse: box.marked(tokens * heads) }));
      const second = (all: ArrayLike<number>): number[] => Array.from(all).slice(size / 2);
      const want = referenceAttention(shape, q, kv, spans).o;
      expectClose(second(await box.floats(o, size)), second(want), 2e-5);
    },
  );
});

it('is compared with the gradient of its reference', () => {
  const { shape, spans, qkv, dO, dQkv } = computeWanted(THICKET, 4, 2, 4);
  const product = (x: Float64Array): number =>
    referenceAttention(shape, x, x, spans).o.reduce((sum, o, i) => sum + o * dO[i]!, 0);
  expectClose(dQkv, centralDifferences(qkv, product), 1e-8);
});

it('gives the same bits in one launch and in many', async () => {
  box = boxes.blocked!;
  const want = computeWanted(WOOD, 2, 1, 64);
  const whole = await compute(want);
  const before = box.gpu.counters.dispatches;
  vi.spyOn(box.gpu.pace, 'budget', 'get').mockReturnValue(1);
  expect(await compute(want)).toEqual(whole);
  expect(box.gpu.counters.dispatches - before).toBeGreaterThan(20);
});

it('refuses heads that are no whole number of vec4s', () => {
  const view = box.put(new Float32Array(4));
  const shape = packedShape(1, 1, 1, 6);
  expect(() => attention({ ...shape, q: view, kv: view, spans: view, o: view, lse: view })).toThrow(
    /multiples of 4/,
  );
});
