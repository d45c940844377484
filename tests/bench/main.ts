/** The page of `npm run bench`: the command (src/cli/bench.ts) calls what stands here one by one. */
import type { MatmulShape } from '../../src/cli/bench-result.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { openJax } from './jax.ts';
import type { Library } from './library.ts';
import { compareMatmul, shapes, squares } from './matmul.ts';
import { openPonder } from './ponder.ts';
import { timeSteps } from './step.ts';
import { openTfjs } from './tfjs.ts';

let libraries: Library[] = [];
/** Our rates at the squares. */
const rates = new Map<MatmulShape, number>();

globalThis.bench = {
  shapes,

  async open(adapter) {
    const gpu = await Gpu.open(navigator.gpu);
    if (adapter === 'hardware' && gpu.info.isFallbackAdapter) {
      throw new Error('this browser finds no graphics card; leave --adapter hardware out');
    }
    libraries = [openPonder(gpu), await openJax(), await openTfjs()];
    const [own, ...others] = libraries.map(({ device }) => describe(device.adapterInfo));
    const other = others.find((name) => name !== own);
    if (other !== undefined) throw new Error(`the libraries run on ${own!} and on ${other}`);
    return own!;
  },

  async matmul(index) {
    const shape = shapes[index]!;
    const result = await compareMatmul(libraries, shape);
    const { rate } = result.libraries.ponder;
    if (squares.includes(shape) && rate !== null) rates.set(shape, rate);
    return result;
  },

  steps(recipe) {
    const [best] = [...rates].sort(([, a], [, b]) => b - a);
    const [ponder] = libraries;
    if (!best || !ponder) throw new Error('the squares come first');
    return timeSteps(recipe, ponder, best[0]);
  },
};

function describe({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter(Boolean).join(' ');
}
