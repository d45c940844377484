import { afterAll, beforeAll, expect, it } from 'vitest';
import { Activation, planActivations } from './activations.ts';
import type { Gpu } from './device.ts';
import { op, type Kernel } from './kernel.ts';
import { openNodeGpu } from './node.ts';
import { Profile } from './profile.ts';
import { Program } from './program.ts';

/** As many rounds of arithmetic as it is told. */
const spin = {
  name: 'test-spin',
  bindings: ['write'],
  params: { rounds: 'u32' },
  code: `
    struct Params { rounds: u32 }
    @group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @group(1) @binding(0) var<uniform> p: Params;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      var y = x[id.x];
      for (var i = 0u; i < p.rounds; i++) { y = y * 0.5 + 1.0; }
      x[id.x] = y;
    }`,
} as const satisfies Kernel;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu({ features: ['timestamp-query'] });
});
afterAll(() => gpu.close());

it('times each launch of a program, and changes no result', async (context) => {
  if (!gpu.device.features.has('timestamp-query')) context.skip('no timestamps here');
  const x = new Activation('x', 64 * 64, true);
  const launch = (label: string, rounds: number) =>
    op<null, (typeof spin)['params']>(spin, {
      label,
      bindings: [x],
      params: { rounds },
      grid: () => [64],
      flops: () => 2 * rounds * 64 * 64,
    });
  // More launches than a query set has pairs of queries.
  const short = Array.from({ length: 3000 }, () => launch('short', 1));
  const ops = [launch('long', 20_000), ...short];
  const views = planActivations(gpu, ops);
  const program = await Program.compile(gpu, ops);
  const started = performance.now();
  gpu.profile = new Profile(gpu.device);
  await program.run(null);
  const { kernels, resolution } = await gpu.profile.take();
  const outside = (performance.now() - started) / 1000;
  gpu.profile = undefined;
  expect(kernels).toHaveLength(2);
  const [long, all] = ['long', 'short'].map((name) => kernels.find(({ label }) => label === name));
  expect(long!.launches).toBe(1);
  expect(all!.launches).toBe(3000);
  expect(long!.flops).toBe(2 * 20_000 * 64 * 64);
  expect(all!.flops).toBe(3000 * 2 * 64 * 64);
  expect(long!.seconds).toBeGreaterThan(0);
  expect(long!.seconds + all!.seconds).toBeLessThan(outside);
  expect(resolution).toBeGreaterThan(0);
  expect(resolution).toBeLessThan(1e-3);
  // y = 2 is the fixed point.
  expect((await gpu.readFloats(x.view!))[0]).toBeCloseTo(2);

  // Without a profile nothing is timed any more.
  const profile = new Profile(gpu.device);
  await program.run(null);
  expect((await profile.take()).kernels).toEqual([]);
  program.destroy();
  for (const view of views) gpu.release('activations', view);
});
