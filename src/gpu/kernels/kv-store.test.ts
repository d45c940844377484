import { afterAll, beforeAll, expect, it } from 'vitest';
import { kvStore } from './kv-store.ts';
import { MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterAll(() => box.close());

it.each([
  { rows: 3, width: 8, step: 0 },
  { rows: 5, width: 100, step: 2 },
])('stores $rows rows of $width at step $step, and nothing else', async ({ rows, width, step }) => {
  const layout = { qkvStride: 3 * width + 8, kOffset: 4, vOffset: 2 * width + 8 };
  const [cacheStride, cacheRows] = [2 * width + 4, 4 * rows];
  const qkv = seeded(rows * layout.qkvStride, 1);
  // Every third cache row, in reverse.
  const spans = Uint32Array.from(
    { length: 4 * rows },
    (_, i) => 3 * (rows - Math.floor(i / 4)) - 2,
  );
  const cache = box.marked(cacheRows * cacheStride);
  const buffers = { qkv: box.put(qkv), spans: box.put(spans), cache };
  await box.run(kvStore({ ...layout, ...buffers, rows, width, cacheStride, step }));
  const want = new Float32Array(cacheRows * cacheStride).fill(MARK);
  for (let i = 0; i < rows; i++) {
    const row = i * layout.qkvStride;
    const at = (3 * (rows - i) - 3 + step) * cacheStride;
    want.set(qkv.subarray(row + layout.kOffset, row + layout.kOffset + width), at);
    want.set(qkv.subarray(row + layout.vOffset, row + layout.vOffset + width), at + width);
  }
  expect(await box.floats(cache, want.length)).toEqual(want);
});

it('stores in the ring of each sequence', async () => {
  // Prompts have rows 0 to 2; two sequences of at most six tokens see three each.
  const ring = { window: 3, firstOwn: 3, ownRows: 6 };
  const width = 4;
  const qkv = seeded(2 * 3 * width, 1);
  const spans = Uint32Array.of(0, 3, 3, 4, 1, 2, 9, 10);
  const cache = box.marked(9 * 2 * width);
  const buffers = { qkv: box.put(qkv), spans: box.put(spans), cache };
  const layout = { qkvStride: 3 * width, kOffset: width, cacheStride: 2 * width };
  await box.run(kvStore({ ...layout, ...buffers, rows: 2, width, ring, step: 4 }));
  const want = new Float32Array(9 * 2 * width).fill(MARK);
  // Token 4 of a sequence lies in row 1 of its three.
  for (const [i, row] of [3 + 1, 6 + 1].entries()) {
    want.set(qkv.subarray((3 * i + 1) * width, (3 * i + 3) * width), row * 2 * width);
  }
  expect(await box.floats(cache, want.length)).toEqual(want);
});
