import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pack, referenceAttention, type AttentionShape, type Tree } from './attention-reference.ts';
import { attention, attentionBackward } from './attention.ts';
import { centralDifferences, expectClose, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
/** One for each variant of the kernels. */
const boxes: Partial<Record<'own' | 'shared', Sandbox>> = {};
beforeAll(async () => {
  boxes.own = box = await Sandbox.open({ attention: 'own' });
  if (box.gpu.device.features.has('subgroups')) {
    boxes.shared = await Sandbox.open({ attention: 'shared' });
  }
});
afterEach(() => box.clear());
afterAll(() => Object.values(boxes).forEach((each) => each.close()));

const FOREST: readonly Tree[] = [
  { prompt: 5, completions: [3, 1, 6] },
  { prompt: 1, completions: [] },
  { prompt: 9, completions: [70, 2] },
  { prompt: 2, completions: [4, 4, 5] },
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
    step: 0,
  } satisfies AttentionShape;
}

const HEADS = [
  { heads: 4, kvHeads: 2, headDim: 16 },
  { heads: 3, kvHeads: 3, headDim: 16 },
  { heads: 3, kvHeads: 3, headDim: 4 },
  { heads: 3, kvHeads: 1, headDim: 12 },
  { heads: 2, kvHeads: 2, headDim: 20 },
  { heads: 4, kvHeads: 1, headDim: 64 },
  { heads: 3, kvHeads: 1, headDim: 80 },
  { heads: 2, kvHeads: 1, headDim: 128 },
  { heads: 1, kvHeads: 1, headDim: 256 },
];

/** Where a variant cannot run, its test would repeat the other's. */
const VARIANTS = (['own', 'shared'] as const).flatMap((variant) =>
  HEADS.filter(({ headDim }) => variant === 'own' || headDim === 16).map((heads) => ({
    ...heads,
    variant,
  })),
);

describe.each(VARIANTS)('$heads heads over $kvHeads of $headDim, $variant', (shape) => {
  const { heads, kvHeads, headDim, variant } = shape;
  beforeEach(({ skip }) => {
    box = boxes[variant] ?? skip('the adapter has no subgroups');
  });

  async function runPacked(forest: readonly Tree[], seed: number) {
    const { tokens, spans, viewEnd } = pack(forest);
    const shape = packedShape(tokens, heads, kvHeads, headDim);
    const qkv = seeded(tokens * shape.qStride, seed, -2, 2);
    const buffers = {
      qkv: box.put(qkv),
      spans: box.put(spans),
      viewEnd: box.put(viewEnd),
      o: box.marked(tokens * heads * headDim),
      lse: box.marked(tokens * heads),
    };
    await box.run(attention({ ...shape, ...buffers, q: buffers.qkv, kv: buffers.qkv }));
    return { shape, spans, qkv, buffers };
  }

  it('attends to the spans of packed trees', async () => {
    const { shape, spans, qkv, buffers } = await runPacked(FOREST, 1);
    const want = referenceAttention(shape, qkv, qkv, spans);
    expectClose(await box.floats(buffers.o, want.o.length), want.o, 2e-5);
    expectClose(await box.floats(buffers.lse, want.lse.length), want.lse, 2e-5);
  });

  it('differentiates: samples of the inputs of a small forest and of a larger one', async () => {
    for (const [forest, samples] of [
      [THICKET, 700],
      [FOREST, 60],
    ] as const) {
      const { shape, spans, qkv, buffers } = await runPacked(forest, 2);
      const dO = seeded(shape.tokens * heads * headDim, 3);
      const dQkv = box.marked(qkv.length);
      const delta = box.marked(shape.tokens * heads);
      const launch = {
        ...shape,
        ...buffers,
        rowStride: shape.qStride,
        dO: box.put(dO),
        delta,
        dQkv,
      };
      await box.run(...attentionBackward(launch));
      const x = Float64Array.from(qkv);
      const picked = Array.from(x.keys()).filter((i) => (i * samples) % x.length < samples);
      const want = centralDifferences(
        picked.map((i) => x[i] as number),
        (values) => {
          picked.forEach((i, n) => (x[i] = values[n] as number));
          return referenceAttention(shape, x, x, spans).o.reduce((s, v, i) => s + v * dO[i]!, 0);
        },
      );
      const got = await box.floats(dQkv, qkv.length);
      expectClose(
        picked.map((i) => got[i] as number),
        want,
        5e-5,
      );
      expect(got.some((value) => value === -12345.5)).toBe(false);
    }
  });

  it('attends from a cache and at later steps', async () => {
    const tokens = 5;
    const shape: AttentionShape = {
      ...packedShape(tokens, heads, kvHeads, headDim),
      qStride: heads * headDim + 8,
      qOffset: 4,
      kvStride: 2 * kvHeads * headDim + 4,
      kOffset: 0,
      vOffset: kvHeads * headDim,
      step: 3,
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
});

it('refuses heads that are no whole number of vec4s', () => {
  const view = box.put(new Float32Array(4));
  const shape = packedShape(1, 1, 1, 6);
  expect(() => attention({ ...shape, q: view, kv: view, spans: view, o: view, lse: view })).toThrow(
    /multiples of 4/,
  );
});
