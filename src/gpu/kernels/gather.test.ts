import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { gather } from './gather.ts';
import { Sandbox, seeded, MARK } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

it.each([
  [1, 1, 1],
  [7, 5, 13],
  [64, 99, 64],
  [9, 3, 130],
])('gathers and halves %i of %i rows of %i', async (rows, n, cols) => {
  const table = seeded(n * cols, 1);
  const ids = Uint32Array.from(seeded(rows, 2, 0, n));
  const out = box.marked(rows * cols + 1);
  const scale = 0.5;
  await box.run(gather({ table: box.put(table), ids: box.put(ids), out, rows, cols, scale }));
  const want = [...ids].flatMap((id) =>
    [...table.subarray(id * cols, (id + 1) * cols)].map((x) => scale * x),
  );
  expect([...(await box.floats(out, rows * cols + 1))]).toEqual([...want, MARK]);
});
