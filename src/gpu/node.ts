/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';
import { GpuUnavailableError } from './errors.ts';
import { nodeNotes } from './node-notes.ts';
import { cardRates } from './tuning.ts';
import { KERNELS_FOR, type KernelVariants } from './variants.ts';

/** Dawn fails or crashes when its entry object is garbage-collected before the devices it made. */
const entries: GPU[] = [];

/** The measured rates of graphics cards. */
const CARDS = new URL('../../node_modules/.cache/ponder/cards.json', import.meta.url);

/**
 * Workgroup memory begins as zeros. By Vulkan's extension for that, SwiftShader stores each of them by code of
 * its own, which takes longer to compile than the rest of most kernels; Dawn's code is a loop.
 */
const CLEARS_BY_LOOP =
  'disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension';

/** A closed device that is kept for reuse. */
interface Spare {
  readonly gpu: Gpu;
  /** That it was opened with. */
  readonly features: string;
  /** Of all devices, it was opened as this one. */
  readonly place: number;
}

/** By place. */
let spare: Spare[] | undefined;

/**
 * From now on a closed device is emptied and kept, and the next caller gets it with its kernels compiled.
 * For a process of many runs: compiling would take longer than some of the runs.
 */
export function keepDevices(): void {
  spare ??= [];
}

/**
 * Opens a device, or takes a kept one.
 * @throws GpuUnavailableError when there is no adapter
 */
export async function openNodeGpu(asked: GpuOptions = {}): Promise<Gpu> {
  const options = {
    variants: chosenKernels(),
    measure: (gpu: Gpu) => cardRates(gpu, nodeNotes(CARDS)),
    ...asked,
    wait: napping,
  };
  if (!spare) return openFresh(options);
  const features = (options.features ?? []).join();
  const keepAt = (place: number) => (gpu: Gpu) => {
    spare!.push({ gpu, features, place });
    spare!.sort((one, other) => one.place - other.place);
  };
  for (;;) {
    // The device that was opened first has the policy's kernels; the later ones have the judges'.
    const next = spare.find((one) => one.features === features);
    if (!next) return openFresh({ ...options, keep: keepAt(entries.length) });
    spare.splice(spare.indexOf(next), 1);
    if (await isSound(next.gpu)) return next.gpu.reopen({ ...options, keep: keepAt(next.place) });
    next.gpu.close();
  }
}

/** What its last user left running may have failed. */
function isSound(gpu: Gpu): Promise<boolean> {
  return gpu.idle().then(
    () => true,
    () => false,
  );
}

async function openFresh(options: GpuOptions): Promise<Gpu> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const api = create([CLEARS_BY_LOOP]);
  entries.push(api);
  return Gpu.open(api, options);
}

/** PONDER_KERNELS=card, cpu or wide runs the kernels for graphics cards, or for adapters on the CPU, on any. */
function chosenKernels(): Partial<KernelVariants> {
  const name = process.env.PONDER_KERNELS;
  if (name === undefined) return {};
  if (name === 'card' || name === 'cpu' || name === 'wide') return KERNELS_FOR[name];
  throw new GpuUnavailableError(`PONDER_KERNELS is "${name}"; it must be card, cpu or wide.`);
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * While a promise is pending, Dawn polls on every turn of the event loop and keeps one core busy.
 * With two cores that halves the speed of the software adapter and of its compiler. Short sleeps between
 * the turns free the core.
 */
async function napping<T>(pending: Promise<T>): Promise<T> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  pending.then(settle, settle);
  for (let ms = 0.05; !state.settled; ms = Math.min(2, 1.5 * ms)) {
    Atomics.wait(clock, 0, 0, ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return pending;
}
