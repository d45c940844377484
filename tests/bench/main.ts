/** The page of `npm run bench`: the command (src/cli/bench.ts) starts the measurement here. */
import {
  measure,
  MEASURED_FEATURES,
  tasksFor,
  THOROUGH,
  type Progress,
} from '../../src/app/measure/measure.ts';
import { openGpu } from '../../src/app/open-gpu.ts';
import '../../src/cli/bench-page.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { urlFolder } from '../../src/model/files.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { openJax } from './jax.ts';
import { openTfjs } from './tfjs.ts';

const open = (): Promise<Gpu> => openGpu(MEASURED_FEATURES);
/** The server serves the project's root. */
const at = (file: string): string => new URL(`/${file}`, location.href).href;

globalThis.runBench = async ({ adapter, recipe: path, groups, ponder }) => {
  const gpu = await open();
  if (adapter === 'hardware' && gpu.info.isFallbackAdapter) {
    throw new Error('this browser finds no graphics card; leave --adapter hardware out');
  }
  const libraries = [await openJax(), await openTfjs()];
  const { recipe } = parseRecipe(await readFile(path), path);
  const own = describe(gpu.info);
  const other = libraries.map(({ device }) => describe(device.adapterInfo)).find((x) => x !== own);
  if (other !== undefined) throw new Error(`the libraries run on ${own} and on ${other}`);
  return measure({
    gpu,
    libraries,
    patience: THOROUGH,
    browser: navigator.userAgent,
    ponder,
    ...(groups && { groups }),
    tasks: (rate) =>
      tasksFor(rate, {
        name: path,
        recipe,
        around: {
          openGpu: open,
          readFile,
          folder: (folder) => Promise.resolve(urlFolder(at(folder))),
        },
      }),
    onProgress: ({ done, total, next }: Progress) =>
      void globalThis.onBenchProgress(done, total, next ?? ''),
  });
};

async function readFile(file: string): Promise<string> {
  const response = await fetch(at(file));
  if (!response.ok) throw new Error(`${file} cannot be read`);
  return response.text();
}

function describe({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter(Boolean).join(' ');
}
