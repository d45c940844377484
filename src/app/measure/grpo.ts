/** Whole GRPO steps of a recipe, with our fastest square product timed between them. */
import type { Gpu } from '../../gpu/device.ts';
import type { Recipe } from '../../rl/recipe/recipe.ts';
import type { Group } from '../../rl/report.ts';
import { openReward } from '../opening/rewards.ts';
import type { Surroundings } from '../opening/surroundings.ts';
import { openTrainer } from '../opening/trainer.ts';
import { median } from './arithmetic.ts';
import type { Bench } from './bench.ts';
import { Counter } from './counts.ts';
import { openProduct, productFlops, type MatmulShape } from './matmuls.ts';
import type { GrpoNumbers, KernelRow, Row } from './measurement.ts';
import { profileOf, time } from './timing.ts';

/** Where the models and files of the recipe are. */
interface GrpoSurroundings extends Pick<Surroundings, 'folder' | 'readFile'> {
  /** Opens one more device with the features that the measurement uses. */
  readonly openGpu: () => Promise<Gpu>;
}

export interface GrpoTask {
  readonly name: string;
  readonly recipe: Recipe;
  readonly around: GrpoSurroundings;
}

const STEPS = 5;
/** Seconds after which no further step begins; there are two at least. */
const BUDGET = 40;
/** Seconds of one timing of the product. */
const PRODUCT_SECONDS = 0.3;

/** @param best the shape of our fastest square product, and its rate */
export async function grpoRow(
  bench: Bench,
  task: GrpoTask,
  best: { shape: MatmulShape; rate: number },
): Promise<Row> {
  const { recipe } = task;
  const { openGpu, ...around } = task.around;
  const policy = await openGpu();
  const gpus = [policy];
  const { trainer } = await openTrainer(recipe, {
    ...around,
    gpu: policy,
    // As in the workers, each reward model has a device of its own.
    openReward: (path, kind, question) =>
      openReward(path, kind, question, () => openAnother(gpus, openGpu), around),
  });
  const product = await openProduct(bench.gpu, best.shape);
  const once = productFlops(best.shape);
  const times = Math.max(1, Math.ceil((PRODUCT_SECONDS * best.rate) / once));
  const productRate = async (): Promise<number> => (times * once) / (await time(product, times));
  await trainer.trainStep();
  await productRate();

  const started = performance.now();
  const counter = new Counter(gpus);
  const productRates = [await productRate()];
  const seconds: number[] = [];
  const stepRates: number[] = [];
  const lengths: number[] = [];
  const tokenRates: number[] = [];
  while (
    seconds.length < STEPS &&
    (seconds.length < 2 || performance.now() - started < 1000 * BUDGET)
  ) {
    const from = counter.flops;
    const begun = performance.now();
    const { metrics, groups } = await trainer.trainStep();
    await policy.idle();
    const spent = (performance.now() - begun) / 1000;
    seconds.push(spent);
    stepRates.push((counter.flops - from) / spent);
    tokenRates.push(writtenTokens(groups) / spent);
    lengths.push(metrics['completions/mean_length']!);
    productRates.push(await productRate());
  }
  const steps = seconds.length;
  // Before the profile, which takes one more step.
  const counted = { flops: counter.flops / steps, step: counter.perStep(steps) };
  const grpo: GrpoNumbers = {
    completionLength: lengths.reduce((sum, length) => sum + length, 0) / steps,
    matmul: { name: best.shape.name, rate: median(productRates) },
    shareOfMatmul: median(stepRates) / median(productRates),
  };
  const profile = await profileOf(gpus, () => trainer.trainStep());
  const row: Row = {
    group: 'grpo',
    name: task.name,
    sizes: `${recipe.per_device_train_batch_size} completions of ${grpo.completionLength.toFixed(0)} tokens on average`,
    seconds: median(seconds),
    timings: steps,
    ...counted,
    tokensPerSecond: median(tokenRates),
    grpo,
    ...(profile && {
      kernels: profile.flatMap(({ kernels }, i): KernelRow[] =>
        i === 0 ? [...kernels] : kernels.map((one) => ({ ...one, label: `reward: ${one.label}` })),
      ),
    }),
  };
  product.free();
  trainer.destroy();
  for (const gpu of gpus) gpu.close();
  return row;
}

async function openAnother(gpus: Gpu[], openGpu: () => Promise<Gpu>): Promise<Gpu> {
  const gpu = await openGpu();
  gpus.push(gpu);
  return gpu;
}

/** Of all completions of a step. */
function writtenTokens(groups: readonly Group[]): number {
  return groups.flatMap(({ samples }) => samples).reduce((sum, { tokens = 0 }) => sum + tokens, 0);
}
