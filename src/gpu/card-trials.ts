/** What is tried on a card when it is first used: how long products take, and whether packed weights are right. */
import { viewOf } from './activations.ts';
import type { Gpu } from './device.ts';
import { writeParams, type Op } from './kernel.ts';
import { MIDDLING } from './kernels/matmul-choice.ts';
import { matmulAs } from './kernels/matmul.ts';
import type { View } from './memory.ts';
import type { Halves } from './storage.ts';
import { FULL, type Work } from './tile-rates.ts';

export interface Trials {
  /** Runs the work in one submit and returns its time, with all that a submit costs. */
  readonly seconds: (work: Work) => Promise<number>;
  /** Whether products have the same sums if weights in this storage stay packed in workgroup memory. */
  readonly packsRight: (weights: Halves) => Promise<boolean>;
}

export const trialsOn = (gpu: Gpu): Trials => ({
  seconds: (work) => secondsOf(gpu, work),
  packsRight: (weights) => packsRight(gpu, weights),
});

/** Numbers from row to row of the operands. Rows overlap, so that a long k needs little memory. */
const STRIDE = 16;

/** It does not use the device's pace (pace.ts), which would wait between submits. */
async function secondsOf(gpu: Gpu, work: Work): Promise<number> {
  const { tile, weights, packed, m, n, k, launches } = work;
  const bytes = 4 * (STRIDE * FULL + k);
  return withBuffers(gpu, [bytes, bytes, 4 * m * n], async ([a, b, c]) => {
    const rows = (of: View) => ({ of, offset: 0, stride: STRIDE });
    const product = { a: rows(a), b: rows({ ...b, storage: weights }), c, m, n, k };
    const op = matmulAs([tile], { layout: 'nt', ...product }, choice(packed, weights));
    const submit = await prepared(gpu, op, launches);
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

const choice = (packed: boolean, weights: Work['weights']) => ({
  card: { ...MIDDLING, packed: packed && weights !== 'f32' ? [weights] : [] },
});

/**
 * Multiplies small integers by weights of 64 columns. All of a column have the same exponent, so that sums
 * are exact in float32 in any order. Together they are all finite float16 numbers.
 */
async function packsRight(gpu: Gpu, weights: Halves): Promise<boolean> {
  const [m, n, k] = [16, 64, 1024];
  const x = Float32Array.from(
    { length: m * k },
    (_, i) => (((i % k) * (Math.floor(i / k) + 1)) % 7) - 3,
  );
  for (const layout of ['nt', 'nn'] as const) {
    const y = Uint16Array.from({ length: n * k }, (_, i) =>
      layout === 'nt'
        ? BITS[weights](Math.floor(i / k), i % k)
        : BITS[weights](i % n, Math.floor(i / n)),
    );
    const same = await withBuffers(gpu, [4 * m * k, 2 * n * k, 4 * m * n], async ([a, b, c]) => {
      gpu.upload(a, x);
      gpu.upload(b, new Uint32Array(y.buffer));
      const launch = { layout, a, b: { ...b, storage: weights }, c, m, n, k };
      const sums: Float32Array[] = [];
      for (const packed of [false, true]) {
        const submit = await prepared(gpu, matmulAs(['small'], launch, choice(packed, weights)), 1);
        submit();
        sums.push(await gpu.readFloats(c));
      }
      const [plain, packed] = sums as [Float32Array, Float32Array];
      return plain.every((sum, i) => sum === packed[i]);
    });
    if (!same) return false;
  }
  return true;
}

/** The bits of the weight of a column at k: sign, exponent, mantissa. */
const BITS: Record<Halves, (column: number, k: number) => number> = {
  // 64 signs and exponents, but for that of infinity, and 1,024 mantissas.
  f16: (column, k) => ((column % 32 === 31 ? column - 1 : column) << 10) | k,
  // From 2^-31 on; there are 128 mantissas.
  bf16: (column, k) => (((k >> 7) & 1) << 15) | ((96 + column) << 7) | (k & 127),
};

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
  const bytes = new DataView(new ArrayBuffer(256));
  writeParams(bytes, 0, Object.values(kernel.params), op.params(undefined));
  gpu.device.queue.writeBuffer(block, 0, bytes.buffer);
  const storage = gpu.device.createBindGroup({
    layout: gpu.pipelines.storageLayout(kernel),
    entries: op.bindings.map((bound, binding) => {
      const { buffer, byteOffset, byteLength } = viewOf(bound);
      return { binding, resource: { buffer, offset: byteOffset, size: byteLength } };
    }),
  });
  const params = gpu.device.createBindGroup({
    layout: gpu.pipelines.paramsLayout(),
    entries: [{ binding: 0, resource: { buffer: block, size: 256 } }],
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
