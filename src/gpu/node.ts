/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';

export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  return Gpu.open(create([]), options);
}
