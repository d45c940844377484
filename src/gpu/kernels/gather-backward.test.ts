import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { gatherBackward, groupByTarget } from './gather-backward.ts';
import { Sandbox, expectClose, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

describe('groupByTarget', () => {
  it('lists the rows of each target in order', () => {
    const { order, starts, targets } = groupByTarget([7, 2, 7, 0, 2, 7]);
    expect([...order]).toEqual([3, 1, 4, 0, 2, 5]);
    expect([...starts]).toEqual([0, 1, 3, 6]);
    expect([...targets]).toEqual([0, 2, 7]);
  });

  it('takes no rows at all', () => {
    const { order, starts, targets } = groupByTarget([]);
    expect([order.length, targets.length, ...starts]).toEqual([0, 0, 0]);
  });
});

it.each([
  [1, 1, 1],
  [37, 5, 13],
  [64, 99, 64],
  [40, 7, 76],
  [150, 3, 130],
])('adds three times the gradients of %i rows into %i of %i', async (rows, n, cols) => {
  const ids = Uint32Array.from(seeded(rows, 1, 0, n));
  const dOut = seeded(rows * cols, 2);
  const before = seeded(n * cols, 3);
  const want = Float64Array.from(before);
  ids.forEach((id, row) => {
    for (let c = 0; c < cols; c++) want[id * cols + c]! += 3 * dOut[row * cols + c]!;
  });
  const groups = groupByTarget(ids);
  const run = async () => {
    const dTable = box.put(before);
    await box.run(
      gatherBackward({
        dOut: box.put(dOut),
        order: box.put(groups.order),
        starts: box.put(groups.starts),
        targets: box.put(groups.targets),
        dTable,
        owners: groups.targets.length,
        cols,
        scale: 3,
      }),
    );
    return box.floats(dTable, n * cols);
  };
  const got = await run();
  expectClose(got, want, 1e-5);
  expect(await run()).toEqual(got);
});
