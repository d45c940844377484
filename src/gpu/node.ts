/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';

/** Dawn stops working, or crashes, when its entry object is collected before the devices it made. */
const entries: GPU[] = [];

export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
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
