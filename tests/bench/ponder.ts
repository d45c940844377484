/** Ponder's own matmul. */
import type { Gpu } from '../../src/gpu/device.ts';
import { matmul } from '../../src/gpu/kernels/matmul.ts';
import { Program } from '../../src/gpu/program.ts';
import { MAX_COUNT, type Library } from './library.ts';

export function openPonder(gpu: Gpu): Library {
  return {
    name: 'ponder',
    device: gpu.device,
    async prepare({ m, n, k, transposed }, x, y) {
      const [a, b, c] = [m * k, k * n, m * n].map((elements) =>
        gpu.allocate('io', 4 * elements, 'operand'),
      );
      gpu.upload(a!, x);
      gpu.upload(b!, y);
      const layout = transposed ? 'nt' : 'nn';
      const ops = [matmul<null>({ layout, a: a!, b: b!, c: c!, m, n, k })];
      const program = await Program.compile(gpu, ops, MAX_COUNT);
      return {
        async run(count) {
          await program.run(...Array.from({ length: count }, () => null));
          await gpu.idle();
        },
        read: () => gpu.readFloats(c!),
        free() {
          program.destroy();
          for (const view of [a!, b!, c!]) gpu.release('io', view);
        },
      };
    },
  };
}
