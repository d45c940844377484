import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Sandbox, expectClose, seeded } from './sandbox.ts';
import { partialCount, sumOfSquares } from './sum-of-squares.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

it.each([1, 63, 4096, 4097, 300_001])('sums the squares of %i numbers', async (count) => {
  // One more element than counted: it must not be seen.
  const x = seeded(count + 1, 1, 0, 2);
  const want = x.subarray(0, count).reduce((sum, v) => sum + v * v, 0);
  const run = async () => {
    const out = box.marked(1);
    const partials = box.marked(partialCount(count));
    await box.run(...sumOfSquares({ x: box.put(x), partials, out, count }));
    return box.floats(out, 1);
  };
  const got = await run();
  expectClose(got, [want], 0, 2e-6);
  expect(await run()).toEqual(got);
});
