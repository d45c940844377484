import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Activation, planActivations } from './activations.ts';
import type { Gpu } from './device.ts';
import { op, type Kernel } from './kernel.ts';
import { openNodeGpu } from './node.ts';
import { Program } from './program.ts';

const scale = {
  name: 'test-scale',
  bindings: ['read', 'write'],
  params: { count: 'u32', by: 'f32' },
  code: `
    struct Params { count: u32, by: f32 }
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @group(1) @binding(0) var<uniform> p: Params;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < p.count) { y[id.x] = p.by * x[id.x]; }
    }`,
} as const satisfies Kernel;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

type Dims = { count: number; by: number };
const launch = (x: Activation, y: Activation) =>
  op<Dims, (typeof scale)['params']>(scale, {
    bindings: [x, y],
    params: { count: (d) => d.count, by: (d) => d.by },
    grid: (d) => [Math.ceil(d.count / 64)],
  });

it('replays one recording with other sizes and values, several runs in one submit', async () => {
  const n = 100;
  const [a, b, c] = ['a', 'b', 'c'].map((label) => new Activation(label, n, label !== 'b')) as [
    Activation,
    Activation,
    Activation,
  ];
  const ops = [launch(a, b), launch(b, c)];
  planActivations(gpu, ops);
  const program = await Program.compile(gpu, ops, 2);
  gpu.upload(
    a.view!,
    Float32Array.from({ length: n }, (_, i) => i),
  );
  const before = { ...gpu.counters };
  await program.run({ count: n, by: 3 });
  await program.run({ count: 5, by: 2 }, { count: 2, by: 10 });
  expect(gpu.counters.submits - before.submits).toBe(2);
  expect(gpu.counters.dispatches - before.dispatches).toBe(6);
  const out = await gpu.readFloats(c.view!);
  expect([...out.slice(0, 7)]).toEqual([0, 100, 8, 12, 16, 45, 54]);
  // More runs than were planned for take more submits.
  const { submits } = gpu.counters;
  await program.run({ count: n, by: 1 }, { count: n, by: 2 }, { count: n, by: 3 });
  expect(gpu.counters.submits - submits).toBe(2);
  expect((await gpu.readFloats(c.view!))[5]).toBe(45);
});

it('waits for its kernels as its device waits, which leaves the core to the compiler', async () => {
  const wait = vi.spyOn(gpu, 'wait');
  const [x, y] = [new Activation('x', 4), new Activation('y', 4)];
  const ops = [launch(x, y), launch(y, x)];
  planActivations(gpu, ops);
  await Program.compile(gpu, ops);
  // Once for all of them: each wait holds the event loop for a while.
  expect(wait).toHaveBeenCalledOnce();
});

it('reads in its last submit, while later runs are on their way', async () => {
  const [x, y] = [new Activation('x', 4, true), new Activation('y', 4, true)];
  const ops = [launch(x, y)];
  planActivations(gpu, ops);
  const program = await Program.compile(gpu, ops, 2);
  gpu.upload(x.view!, Float32Array.of(1, 2, 3, 4));
  const before = { ...gpu.counters };
  const views = [y.view!, { ...x.view!, byteLength: 8 }];
  const runs = [2, 3, 4].map((by) => ({ count: 4, by }));
  const first = await program.runAndRead(views, ...runs);
  const second = await program.runAndRead(views, { count: 4, by: 5 });
  expect(gpu.counters.submits - before.submits).toBe(3);
  expect(gpu.counters.readbacks - before.readbacks).toBe(2);
  const numbers = async (data: Promise<ArrayBuffer[]>) =>
    (await data).map((bytes) => [...new Float32Array(bytes)]);
  expect(await numbers(second.data)).toEqual([
    [5, 10, 15, 20],
    [1, 2],
  ]);
  expect(await numbers(first.data)).toEqual([
    [4, 8, 12, 16],
    [1, 2],
  ]);
});

it('refuses to go on when it is destroyed', async () => {
  const [x, y] = [new Activation('x', 4, true), new Activation('y', 4, true)];
  const ops = [launch(x, y)];
  planActivations(gpu, ops);
  const program = await Program.compile(gpu, ops);
  program.destroy();
  await expect(program.run({ count: 4, by: 1 })).rejects.toThrow(/was destroyed/);
  await gpu.idle();
});
