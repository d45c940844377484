/** WebGPU in Node, through Dawn (npm package `webgpu`). Browsers bring their own. */
import { Gpu, type GpuOptions } from './device.ts';

/** Kept for good: Dawn's callbacks stop, or crash, once the garbage collector takes the instance. */
let api: GPU | undefined;

export async function openNodeGpu(options: GpuOptions = {}): Promise<Gpu> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  api ??= create([]);
  return Gpu.open(api, options);
}
