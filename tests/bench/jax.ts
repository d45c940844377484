/** The matrix product and the training of jax-js. */
import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  jit,
  numpy as np,
} from '@jax-js/jax';
import type { OpenLibrary } from './library.ts';
import { trainInJax } from './jax-training.ts';

export async function openJax(): Promise<OpenLibrary> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js finds no WebGPU device');
  defaultDevice('webgpu');
  return {
    name: 'jax-js',
    device: getWebGPUDevice(),
    product({ layout, m, n, k }, x, y) {
      const transposed = layout === 'nt';
      const a = np.array(x, { shape: [m, k] });
      const b = np.array(y, { shape: transposed ? [n, k] : [k, n] });
      // Its operations consume their arguments; `ref` keeps one for another time.
      const product = jit((left: np.Array, right: np.Array) =>
        np.matmul(left, transposed ? np.transpose(right) : right),
      );
      let last: np.Array | undefined;
      return Promise.resolve({
        async run(count) {
          last?.dispose();
          const all = Array.from({ length: count }, () => product(a.ref, b.ref));
          await blockUntilReady(all);
          last = all.pop();
          for (const one of all) one.dispose();
        },
        async read() {
          return (await last!.ref.data()) as Float32Array;
        },
        free() {
          for (const array of [a, b, last]) array?.dispose();
          product.dispose();
        },
      });
    },
    training: (task) => Promise.resolve(trainInJax(task)),
  };
}
