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

/** Closed devices that are kept for reuse, by the order in which they were first opened. */
let spare: Map<number, Gpu> | undefined;

/**
 * From now on a closed device is emptied and kept, and the next caller gets it with its kernels
 * compiled. For a process of many runs: compiling would take longer than some of the runs.
 */
export function keepDevices(): void {
  spare ??= new Map();
}

/**
 * Opens a device, or takes a kept one, which was opened with options of its own.
 * @throws GpuUnavailableError when there is no adapter
 */
export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  if (!spare) return openFresh(options);
  // The device that was opened first has the policy's kernels; the later ones have the judges'.
  const [place = entries.length] = [...spare.keys()].sort((a, b) => a - b);
  const gpu = spare.get(place);
  spare.delete(place);
  return gpu ?? openFresh({ ...options, keep: (closed) => spare?.set(place, closed) });
}

async function openFresh(options: GpuOptions): Promise<Gpu> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const api = create([]);
  entries.push(api);
  return Gpu.open(api, {
    variants: chosenKernels(),
    measure: (gpu) => cardRates(gpu, nodeNotes(CARDS)),
    ...options,
    wait: napping,
  });
}

/**
 * PONDER_KERNELS=card or cpu runs the kernels for graphics cards, or those for adapters on the CPU, on
 * any adapter. lavapipe is such an adapter and is not recognised: it trains faster by `cpu`.
 */
function chosenKernels(): Partial<KernelVariants> {
  const name = process.env.PONDER_KERNELS;
  if (name === undefined) return {};
  if (name === 'card' || name === 'cpu') return KERNELS_FOR[name];
  throw new GpuUnavailableError(`PONDER_KERNELS is "${name}"; it must be card or cpu.`);
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * While a promise is pending, Dawn polls on every turn of the event loop and keeps one core busy.
 * With two cores that halves the speed of the software adapter. Short sleeps between the turns free
 * the core.
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
