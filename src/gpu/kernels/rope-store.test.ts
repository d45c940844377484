import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Ring } from './ring.ts';
import { MARK, Sandbox, expectClose, seeded } from './sandbox.ts';
import { ropeStore } from './rope-store.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

interface Shape {
  heads: number;
  kvHeads: number;
  headDim: number;
  step: number;
  rotaryDim?: number;
  factor?: number;
  ring?: Ring;
  spans?: typeof SPANS;
}

/** A prompt of 70 rows with a first and a later token, one of a single row, and none. */
const SPANS: (readonly [number, number, number, number])[] = [
  [0, 70, 71, 72],
  [0, 70, 80, 150],
  [70, 71, 160, 161],
  [0, 0, 170, 231],
];

it.each<Shape>([
  { heads: 4, kvHeads: 2, headDim: 16, step: 3 },
  { heads: 3, kvHeads: 3, headDim: 20, step: 0, factor: 1.2 },
  { heads: 2, kvHeads: 1, headDim: 128, step: 1, rotaryDim: 32 },
  { heads: 2, kvHeads: 2, headDim: 12, step: 0, rotaryDim: 6 },
  {
    ...{ heads: 4, kvHeads: 2, headDim: 8, step: 2 },
    // Tokens 3, 72, 3 and 63 of sequences that keep the last seven of at most 80.
    ring: { window: 7, firstOwn: 71, ownRows: 80 },
    spans: [
      [0, 70, 71, 72],
      [0, 70, 151, 221],
      [70, 71, 231, 232],
      [0, 0, 311, 372],
    ],
  },
])('$heads heads over $kvHeads of $headDim: $rotaryDim rotated, step $step', async (shape) => {
  const { heads, kvHeads, headDim, rotaryDim = headDim, factor = 1, step, ring } = shape;
  const spans = shape.spans ?? SPANS;
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const stride = q + 2 * kv;
  const qkv = seeded(spans.length * stride, 1);
  const frequencies = Float32Array.from({ length: rotaryDim / 2 }, (_, i) => 10000 ** (-i / 8));
  const cacheRows = 400;

  const want = Float64Array.from(qkv);
  const wantCache = new Float64Array(cacheRows * 2 * kv).fill(MARK);
  spans.forEach(([x, y, z, w], i) => {
    const rotated = Float64Array.from(want.subarray(i * stride, (i + 1) * stride));
    const position = y - x + w + step - z - 1;
    for (let head = 0; head < heads + kvHeads; head++) {
      for (let e = 0; e < rotaryDim / 2; e++) {
        const at = head * headDim + e;
        const angle = Math.fround(position * frequencies[e]!);
        const [a, b] = [rotated[at]!, rotated[at + rotaryDim / 2]!];
        rotated[at] = factor * (a * Math.cos(angle) - b * Math.sin(angle));
        rotated[at + rotaryDim / 2] = factor * (b * Math.cos(angle) + a * Math.sin(angle));
      }
    }
    want.set(rotated.subarray(0, q), i * stride);
    const token = w + step - 1 - z;
    const row = ring ? ring.firstOwn + i * ring.window + (token % ring.window) : z + token;
    wantCache.set(rotated.subarray(q), row * 2 * kv);
  });

  const [buffer, cache] = [box.put(qkv), box.marked(wantCache.length)];
  await box.run(
    ropeStore({
      ...{ qkv: buffer, cache, spans: box.put(Uint32Array.from(spans.flat())) },
      ...{ frequencies: box.put(frequencies), rows: spans.length, step, ring },
      ...{ heads, kvHeads, headDim, rotaryDim, factor },
    }),
  );
  expectClose(await box.floats(buffer, want.length), want, 1e-6);
  const got = await box.floats(cache, wantCache.length);
  expectClose(got, wantCache, 1e-6);
  // Only the rows of these tokens.
  expect(got.filter((value) => value !== MARK)).toHaveLength(spans.length * 2 * kv);
});
