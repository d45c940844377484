/** The matrix product of TensorFlow.js. */
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend, matMul, setBackend, tensor2d, type Tensor } from '@tensorflow/tfjs-core';
import type { OpenLibrary } from './library.ts';

export async function openTfjs(): Promise<OpenLibrary> {
  if (!(await setBackend('webgpu'))) throw new Error('TensorFlow.js finds no WebGPU device');
  const gpu = backend();
  if (!(gpu instanceof WebGPUBackend)) throw new Error('TensorFlow.js has taken another backend');
  return {
    name: 'tfjs',
    device: gpu.device,
    product({ layout, m, n, k }, x, y) {
      const transposed = layout === 'nt';
      const a = tensor2d(x, [m, k]);
      const b = tensor2d(y, transposed ? [n, k] : [k, n]);
      let last: Tensor | undefined;
      return Promise.resolve({
        async run(count) {
          for (let i = 0; i < count; i++) {
            last?.dispose();
            last = matMul(a, b, false, transposed);
          }
          gpu.ensureCommandEncoderReady();
          gpu.endComputePassEncoder();
          gpu.submitQueue();
          await gpu.device.queue.onSubmittedWorkDone();
        },
        async read() {
          return (await last!.data()) as Float32Array;
        },
        free() {
          for (const tensor of [a, b, last]) tensor?.dispose();
        },
      });
    },
  };
}
