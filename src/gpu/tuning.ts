/**
 * Measures the tiles of matrix products when a graphics card is first used, so that the choice among
 * them (kernels/matmul-variants.ts) fits this card. All tiles compute the same sums in the same order:
 * a wrong measurement costs time, and changes no number.
 */
import type { Gpu } from './device.ts';
import type { Op } from './kernel.ts';
import { TILE_NAMES, tileOf } from './kernels/matmul-variants.ts';
import { matmulAs } from './kernels/matmul.ts';
import { viewOf } from './activations.ts';
import type { CardRates, TileName, TileRates } from './variants.ts';

/** Change it with the kernels: what was measured of others is then not used. */
const VERSION = 1;

/** Keeps small values by name. Where nothing can be kept, the card is measured each time. */
export interface Notes {
  recall(name: string): Promise<unknown>;
  remember(name: string, value: unknown): Promise<void>;
}

/**
 * The rates of this card as they were remembered, or measured now and then remembered; undefined if
 * they cannot be measured here.
 * @param seconds as in `measure`
 */
export async function cardRates(
  gpu: Gpu,
  notes: Notes,
  seconds = (work: Work) => secondsOf(gpu, work),
): Promise<CardRates | undefined> {
  const { vendor, architecture, device, description } = gpu.info;
  const name = ['card', VERSION, vendor, architecture, device, description].join(' | ');
  const remembered = await notes.recall(name);
  if (areRates(remembered)) return remembered;
  // What is wrong with the device is reported when it is used.
  const measured = await measure(seconds).catch(() => undefined);
  if (measured) await notes.remember(name, measured);
  return measured;
}

/** Launches of one product of m x n x k with the same tile. */
export interface Work {
  tile: TileName;
  m: number;
  n: number;
  k: number;
  launches: number;
}

/** More and more work, until it takes long enough to be timed. */
const AMOUNTS = [
  { k: 16, launches: 1 },
  { k: 64, launches: 1 },
  { k: 256, launches: 1 },
  { k: 1024, launches: 1 },
  { k: 4096, launches: 1 },
  { k: 4096, launches: 4 },
  { k: 4096, launches: 16 },
];
const LEAST_SECONDS = 2e-3;

/** Enough rows and columns for more workgroups than a card runs side by side, with every tile. */
const FULL = 2048;

/** A browser that reports the end of work late makes every timing long, and useless. */
const MOST_MILLISECONDS = 400;

/**
 * @param seconds runs the work and returns its time, with all that a submit costs
 * @param now milliseconds
 * @returns undefined where timings take too long or say nothing
 */
export async function measure(
  seconds: (work: Work) => Promise<number>,
  now = () => performance.now(),
): Promise<CardRates | undefined> {
  const end = now() + MOST_MILLISECONDS;
  const rate = async (tile: TileName, m: number, n: number): Promise<number> => {
    let first: { multiplyAdds: number; time: number } | undefined;
    for (const amount of AMOUNTS) {
      if (now() > end) return NaN;
      const work = { tile, m, n, ...amount };
      const time = Math.min(await seconds(work), await seconds(work));
      const multiplyAdds = m * n * amount.k * amount.launches;
      first ??= { multiplyAdds, time };
      // The difference of two timings has no cost of a submit.
      const more = time - first.time;
      if (more >= LEAST_SECONDS) return (multiplyAdds - first.multiplyAdds) / more;
    }
    return NaN;
  };
  const full = {} as Record<TileName, number>;
  const alone = {} as Record<TileName, number>;
  for (const tile of TILE_NAMES) {
    const { rows, columns } = tileOf(tile);
    full[tile] = await rate(tile, FULL, FULL);
    alone[tile] = await rate(tile, rows, columns);
  }
  const rates = { full, alone };
  return areRates(rates) ? rates : undefined;
}

/** No device has rates outside of these: such a value was not measured, or is damaged. */
const PLAUSIBLE = { least: 1e7, most: 1e15 };

function areRates(value: unknown): value is CardRates {
  const { full, alone } = (value ?? {}) as Partial<Record<keyof CardRates, Partial<TileRates>>>;
  return TILE_NAMES.every((tile) =>
    [full?.[tile], alone?.[tile]].every(
      (rate) => typeof rate === 'number' && rate >= PLAUSIBLE.least && rate <= PLAUSIBLE.most,
    ),
  );
}

/** Numbers from row to row of the operands. Rows overlap, so that a long k needs little memory. */
const STRIDE = 16;

/**
 * Runs the work in one submit and returns its time. It does not use the device's pace (pace.ts), which
 * would wait between submits.
 */
export async function secondsOf(gpu: Gpu, { tile, m, n, k, launches }: Work): Promise<number> {
  const of = gpu.allocate('io', 4 * (STRIDE * FULL + k), 'operands');
  const c = gpu.allocate('io', 4 * m * n, 'product');
  const operand = { of, offset: 0, stride: STRIDE };
  const op: Op<undefined> = matmulAs([tile], { layout: 'nt', a: operand, b: operand, c, m, n, k });
  const { kernel } = op;
  const pipeline = await gpu.wait(gpu.pipeline(kernel));
  const block = gpu.createBuffer({
    size: 256,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  gpu.device.queue.writeBuffer(block, 0, packed(op));
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
  await gpu.idle();
  const start = performance.now();
  gpu.submit(encoder);
  await gpu.device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - start) / 1000;
  for (const view of [of, c]) gpu.release('io', view);
  gpu.destroyBuffer(block);
  return seconds;
}

function packed({ kernel, params }: Op<undefined>): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(64));
  const types = Object.values(kernel.params);
  params(undefined).forEach((value, i) => {
    if (types[i] === 'f32') view.setFloat32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return view.buffer;
}
