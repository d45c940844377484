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
  const [cacheStride, cacheRows] = [2 * width + 4, rows + 3];
  const qkv = seeded(4 * layout.qkvStride, 1);
  // Not in order, one row several times, and not every row.
  const sources = Uint32Array.from({ length: rows }, (_, i) => (3 * i + 2) % 4 || 3);
  const cache = box.marked(cacheRows * cacheStride);
  const buffers = { qkv: box.put(qkv), sources: box.put(sources), cache };
  await box.run(kvStore({ ...layout, ...buffers, rows, width, cacheStride }));
  const want = new Float32Array(cacheRows * cacheStride).fill(MARK);
  for (let i = 0; i < rows; i++) {
    const row = sources[i]! * layout.qkvStride;
    const at = i * cacheStride;
    want.set(qkv.subarray(row + layout.kOffset, row + layout.kOffset + width), at);
    want.set(qkv.subarray(row + layout.vOffset, row + layout.vOffset + width), at + width);
  }
  expect(await box.floats(cache, want.length)).toEqual(want);
});
