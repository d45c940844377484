import { afterAll, beforeAll, expect, it } from 'vitest';
import { kvStore } from './kv-store.ts';
import { MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterAll(() => box.close());

it.each([
  { rows: 3, width: 8 },
  { rows: 5, width: 100 },
])('stores $rows rows of $width, and nothing else', async ({ rows, width }) => {
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
  await box.run(kvStore({ ...layout, ...buffers, rows, width, cacheStride }));
  const want = new Float32Array(cacheRows * cacheStride).fill(MARK);
  for (let i = 0; i < rows; i++) {
    const row = i * layout.qkvStride;
    const at = (3 * (rows - i) - 3) * cacheStride;
    want.set(qkv.subarray(row + layout.kOffset, row + layout.kOffset + width), at);
    want.set(qkv.subarray(row + layout.vOffset, row + layout.vOffset + width), at + width);
  }
  expect(await box.floats(cache, want.length)).toEqual(want);
});
