/**
 * Measures the tiles of matrix products when a graphics card is first used, and remembers their rates, so
 * that the choice among them (kernels/matmul-variants.ts) fits this card. tile-rates.ts finds the rates;
 * the work that it times runs here. All tiles compute the same sums in the same order: a wrong measurement
 * costs time, and changes no number.
 */
import type { Gpu } from './device.ts';
import type { Op } from './kernel.ts';
import { TILE_NAMES } from './kernels/matmul-variants.ts';
import { matmulAs } from './kernels/matmul.ts';
import { viewOf } from './activations.ts';
import { FULL, measure, type Work } from './tile-rates.ts';
import type { CardRates, TileRates } from './variants.ts';

/** Change it with the kernels and with notes: what was remembered of others is then not used. */
const VERSION = 2;

/** Keeps small values by name. Where nothing can be kept, the card is measured each time. */
export interface Notes {
  recall(name: string): Promise<unknown>;
  remember(name: string, value: unknown): Promise<void>;
}

/** What is remembered of a card. */
interface Note {
  /** Of the measurement, in milliseconds since 1970. */
  date: number;
  /** null: the card could not be measured. */
  rates: CardRates | null;
}

/**
 * A card is measured anew after so long. Browsers say little about a card: a new one may have the name
 * of the old one. What failed may succeed when the machine is less busy.
 */
const DAY = 24 * 60 * 60 * 1000;
const MOST_AGE = { rates: 30 * DAY, failure: DAY };

/**
 * The rates of this card as they were remembered, or measured now and then remembered; undefined if
 * they cannot be measured here.
 * @param seconds as in `measure` (tile-rates.ts)
 */
export async function cardRates(
  gpu: Gpu,
  notes: Notes,
  seconds = (work: Work) => secondsOf(gpu, work),
): Promise<CardRates | undefined> {
  const { vendor, architecture, device, description } = gpu.info;
  const name = ['card', VERSION, vendor, architecture, device, description].join(' | ');
  const remembered = await notes.recall(name);
  if (isFreshNote(remembered)) return remembered.rates ?? undefined;
  // What is wrong with the device is reported when it is used.
  const rates = await measure(seconds).catch(() => undefined);
  const note: Note = { date: Date.now(), rates: areRates(rates) ? rates : null };
  await notes.remember(name, note);
  return note.rates ?? undefined;
}

function isFreshNote(value: unknown): value is Note {
  const { date, rates } = (value ?? {}) as Partial<Record<keyof Note, unknown>>;
  const age = typeof date === 'number' ? Date.now() - date : NaN;
  // A date to come is of a clock that was wrong.
  if (!(age >= 0)) return false;
  return rates === null ? age < MOST_AGE.failure : areRates(rates) && age < MOST_AGE.rates;
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
  // WebGPU clears memory at its first use, which would count as time of the product.
  const cleared = gpu.device.createCommandEncoder();
  for (const { buffer } of [of, c]) cleared.clearBuffer(buffer);
  gpu.submit(cleared);
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
