/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';

/** Dawn stops working, or crashes, when its entry object is collected before the devices it made. */
const entries: GPU[] = [];

/** Kept devices that nobody uses, in the order in which they were first opened. */
let spare: Map<number, Gpu> | undefined;

/**
 * From now on a closed device is emptied, and is what the next caller opens, its kernels compiled: for
 * a process of many runs, where compiling would take longer than some of them.
 */
export function keepDevices(): void {
  spare ??= new Map();
}

export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  if (!spare) return openFresh(options);
  // The first that was opened has the policy's kernels, the next ones the judges'.
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
  return Gpu.open(api, { ...options, wait: napping });
}

const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * While something is pending, Dawn polls for it on every turn of the event loop and so keeps a core
 * busy, which the software adapter needs: half the speed on two cores. Short sleeps between the
 * turns give it back.
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
