/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';

/** Dawn stops working, or crashes, when its entry object is collected before the devices it made. */
const entries: GPU[] = [];

export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const api = create([]);
  entries.push(api);
  return Gpu.open(api, options);
}
