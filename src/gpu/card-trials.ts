/** What is tried on a card when it is first used: how long products take, and whether packed weights are right. */
import { viewOf } from './activations.ts';
import type { Gpu } from './device.ts';
import type { Op } from './kernel.ts';
import { MIDDLING } from './kernels/matmul-variants.ts';
import { matmulAs } from './kernels/matmul.ts';
import type { View } from './memory.ts';
import { decode } from './storage.ts';
import { FULL, type Work } from './tile-rates.ts';

export interface Trials {
  /** Runs the work in one submit and returns its time, with all that a submit costs. */
  readonly seconds: (work: Work) => Promise<number>;
  /** Whether products with weights that stay packed in workgroup memory have the right sums. */
  readonly packsRight: () => Promise<boolean>;
}

export const trialsOn = (gpu: Gpu): Trials => ({
  seconds: (work) => secondsOf(gpu, work),
  packsRight: () => packsRight(gpu),
});

/** Numbers from row to row of the operands. Rows overlap, so that a long k needs little memory. */
const STRIDE = 16;

/** It does not use the device's pace (pace.ts), which would wait between submits. */
async function secondsOf(gpu: Gpu, { tile, weights, m, n, k, launches }: Work): Promise<number> {
  const bytes = 4 * (STRIDE * FULL + k);
  return withBuffers(gpu, [bytes, bytes, 4 * m * n], async ([a, b, c]) => {
    const rows = (of: View) => ({ of, offset: 0, stride: STRIDE });
    const matrix = rows(weights === 'f32' ? b : { ...b, storage: 'f16' });
    const card = { ...MIDDLING, packed: weights === 'packed f16' };
    const launch = { layout: 'nt', a: rows(a), b: matrix, c, m, n, k } as const;
    const submit = await prepared(gpu, matmulAs([tile], launch, { card }), launches);
    // WebGPU clears memory at its first use, which would count as time of the product.
    const cleared = gpu.device.createCommandEncoder();
    for (const { buffer } of [a, b, c]) cleared.clearBuffer(buffer);
    gpu.submit(cleared);
    await gpu.idle();
    const start = performance.now();
    submit();
    await gpu.device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1000;
  });
}

/**
 * Multiplies small integers by every finite float16 number: a row of B has those of one sign and
 * exponent, so that all sums are exact in float32, in any order.
 */
async function packsRight(gpu: Gpu): Promise<boolean> {
  const [m, n, k] = [16, 64, 1024];
  const x = Float32Array.from(
    { length: m * k },
    (_, i) => (((i % k) * (Math.floor(i / k) + 1)) % 7) - 3,
  );
  const halves = Uint16Array.from({ length: n * k }, (_, bits) => {
    const infinite = (bits & 0x7c00) === 0x7c00;
    return infinite ? bits - 0x400 : bits;
  });
  const y = decode('f16', halves.buffer);
  return withBuffers(gpu, [4 * m * k, 2 * n * k, 4 * m * n], async ([a, b, c]) => {
    gpu.upload(a, x);
    gpu.upload(b, new Uint32Array(halves.buffer));
    const launch = { layout: 'nt', a, b: { ...b, storage: 'f16' }, c, m, n, k } as const;
    const card = { ...MIDDLING, packed: true };
    const submit = await prepared(gpu, matmulAs(['large'], launch, { card }), 1);
    submit();
    const sums = await gpu.readFloats(c);
    return sums.every((sum, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let right = 0;
      for (let l = 0; l < k; l++) right += x[i * k + l]! * y[j * k + l]!;
      return sum === right;
    });
  });
}

/** Buffers of so many bytes, for as long as `use` runs. */
async function withBuffers<T>(
  gpu: Gpu,
  bytes: readonly [number, number, number],
  use: (views: [View, View, View]) => Promise<T>,
): Promise<T> {
  const views = bytes.map((size) => gpu.allocate('io', size, 'trial'));
  try {
    return await use(views as [View, View, View]);
  } finally {
    for (const view of views) gpu.release('io', view);
  }
}

/** What submits the launches, all in one pass. */
async function prepared(gpu: Gpu, op: Op<undefined>, launches: number): Promise<() => void> {
  const { kernel } = op;
  const pipeline = await gpu.wait(gpu.pipeline(kernel));
  const block = gpu.createBuffer({
    size: 256,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  gpu.device.queue.writeBuffer(block, 0, paramBytes(op));
  const storage = gpu.device.createBindGroup({
    layout: gpu.pipelines.storageLayout(kernel),
    entries: op.bindings.map((bound, binding) => {
      const { buffer, byteOffset, byteLength } = viewOf(bound);
      return { binding, resource: { buffer, offset: byteOffset, size: byteLength } };
    }),
  });
  const params = gpu.device.createBindGroup({
    layout: gpu.pipelines.paramsLayout(),
    entries: [{ binding: 0, resource: { buffer: block, size: 64 } }],
  });
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, storage);
  pass.setBindGroup(1, params, [0]);
  for (let i = 0; i < launches; i++) pass.dispatchWorkgroups(...op.grid(undefined));
  pass.end();
  return () => {
    gpu.submit(encoder);
    gpu.destroyBuffer(block);
  };
}

function paramBytes({ kernel, params }: Op<undefined>): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(64));
  const types = Object.values(kernel.params);
  params(undefined).forEach((value, i) => {
    if (types[i] === 'f32') view.setFloat32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return view.buffer;
}
