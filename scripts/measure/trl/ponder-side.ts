/**
 * Ponder's side: GRPO steps of the default recipe and matrix products on one Vulkan driver, one for each
 * line of stdin. Lines as in trl_side.py.
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { isDeepStrictEqual } from 'node:util';
import { openTrainer } from '../../../src/app/opening/trainer.ts';
import { nodeSurroundings, openRecipe } from '../../../src/cli/open.ts';
import { matmul } from '../../../src/gpu/kernels/matmul.ts';
import type { MatmulLayout } from '../../../src/gpu/kernels/matmul-prelude.ts';
import { openNodeGpu } from '../../../src/gpu/node.ts';
import { Program } from '../../../src/gpu/program.ts';
import { adapterOf } from '../made.ts';

const recipe = await openRecipe('recipes/default.yaml', { eval_strategy: 'no' });
const around = await nodeSurroundings();
const { gpu } = around;
const { trainer } = await openTrainer(recipe, {
  ...around,
  readFile: (path) => readFile(path, 'utf8'),
});
answer({ device: adapterOf(gpu), kernels: gpu.variants, chosen: await isChosen() });

for await (const line of createInterface(process.stdin)) {
  const [name, layout, size, count] = line.split(' ');
  if (name === 'step') {
    const started = performance.now();
    const { metrics } = await trainer.trainStep();
    await gpu.idle();
    answer({ seconds: (performance.now() - started) / 1000, metrics });
  } else {
    answer({ seconds: await product(layout as MatmulLayout, Number(size), Number(count)) });
  }
}
around.close();

/** Whether these are the kernels that this driver gets when PONDER_KERNELS names no others. */
async function isChosen(): Promise<boolean> {
  const usual = await openNodeGpu({ variants: {} });
  const same = isDeepStrictEqual(usual.variants, gpu.variants);
  usual.close();
  return same;
}

async function product(layout: MatmulLayout, size: number, count: number): Promise<number> {
  const [a, b, c] = [0, 1, 2].map(() => gpu.allocate('io', 4 * size * size, 'operand'));
  const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
  for (const view of [a!, b!]) gpu.upload(view, values);
  const ops = [matmul<null>({ layout, a: a!, b: b!, c: c!, m: size, n: size, k: size })];
  const program = await Program.compile(gpu, ops, count);
  await program.run(null);
  await gpu.idle();
  const started = performance.now();
  await program.run(...Array.from({ length: count }, () => null));
  await gpu.idle();
  const seconds = (performance.now() - started) / 1000 / count;
  program.destroy();
  for (const view of [a!, b!, c!]) gpu.release('io', view);
  return seconds;
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
