import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Gpu } from '../device.ts';
import { openNodeGpu } from '../node.ts';
import { Program } from '../program.ts';
import { copy } from './copy.ts';
import { fill } from './fill.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

it('fills more than one axis of workgroups holds, in several launches', async () => {
  const count = 65535 * 256 + 300;
  const x = gpu.allocate('io', 4 * count, 'x');
  const program = await Program.compile(gpu, [fill({ x, count, value: 2.5 })]);
  const budget = vi.spyOn(gpu.pace, 'budget', 'get').mockReturnValue(3e8);
  await program.run({});
  budget.mockRestore();
  expect(gpu.counters.dispatches).toBe(3);
  expect((await gpu.readFloats(x)).every((value) => value === 2.5)).toBe(true);
  program.destroy();
  gpu.release('io', x);
});

it.each([1, 63, 64, 1001])('fills and copies %i elements and no more', async (count) => {
  const x = gpu.allocate('io', 4 * 1100, 'x');
  const y = gpu.allocate('io', 4 * 1100, 'y');
  const program = await Program.compile(gpu, [
    fill({ x, count: 1100, value: 2.5 }),
    copy({ x, y, count }),
  ]);
  // In one launch each, then in many.
  for (const operations of [Infinity, 1]) {
    const budget = vi.spyOn(gpu.pace, 'budget', 'get').mockReturnValue(operations);
    for (const view of [x, y]) gpu.upload(view, new Float32Array(1100).fill(-1));
    await program.run({});
    budget.mockRestore();
    const out = await gpu.readFloats(y);
    expect(out.subarray(0, 1100).every((v, i) => v === (i < count ? 2.5 : -1))).toBe(true);
  }
});
