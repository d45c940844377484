import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROW_VARIANTS, Sandbox, expectClose, seeded } from './sandbox.ts';
import { partialCount, sumOfSquares } from './sum-of-squares.ts';

describe.each(ROW_VARIANTS)('rows: %s', (rowVariant) => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.open({ rows: rowVariant });
  });
  afterEach(() => box.clear());
  afterAll(() => box.close());

  it.each([[1], [63], [4096], [4097], [30_000], [300_001], [63, 1, 70_000]])(
    'sums the squares of %i numbers (and more)',
    async (...counts) => {
      // One more element than counted in each part: it must not be seen.
      const parts = counts.map((count, i) => ({ x: seeded(count + 1, i + 1, 0, 2), count }));
      const want = parts.reduce(
        (sum, { x, count }) => x.subarray(0, count).reduce((s, v) => s + v * v, sum),
        0,
      );
      const run = async (how: 'run' | 'runCut') => {
        const out = box.marked(1);
        const partials = box.put(new Float32Array(partialCount(counts)));
        const put = parts.map(({ x, count }) => ({ x: box.put(x), count }));
        await box[how](...sumOfSquares({ parts: put, partials, out }));
        return box.floats(out, 1);
      };
      const got = await run('run');
      expectClose(got, [want], 0, 2e-6);
      expect(await run('run')).toEqual(got);
      expect(await run('runCut')).toEqual(got);
    },
  );
});
