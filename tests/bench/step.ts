/**
 * Whole GRPO steps: useful floating-point operations (GpuCounters.flops) over time, beside the rate
 * of our own matmul. Both are timed in turn, so that both see the same machine.
 */
import type { MatmulShape, StepTiming } from '../../src/cli/bench-result.ts';
import { Gpu, type GpuCounters } from '../../src/gpu/device.ts';
import { urlFolder } from '../../src/model/files.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import type { Library } from './library.ts';
import { operands } from './matmul.ts';
import { median } from './statistics.ts';

const STEPS = 5;
/** Operations in one timing of the matmul. */
const MATMUL_FLOPS = 2e9;
/** Seconds after which no further step begins; there are two at least. */
const BUDGET = 40;

export async function timeSteps(
  path: string,
  ponder: Library,
  shape: MatmulShape,
): Promise<StepTiming> {
  const at = (file: string): string => new URL(`/${file}`, location.href).href;
  const readFile = async (file: string): Promise<string> => {
    const response = await fetch(at(file));
    if (!response.ok) throw new Error(`${file} cannot be read`);
    return response.text();
  };
  const { recipe } = parseRecipe(await readFile(path), path);
  if (recipe.algorithm !== 'grpo') throw new Error(`${path}: algorithm must be grpo`);
  // As in the workers, policy and reward model have a device each.
  const [policy, reward] = [await Gpu.open(navigator.gpu), await Gpu.open(navigator.gpu)];
  const { trainer } = await openTrainer(recipe, {
    gpu: policy,
    folder: (folder) => Promise.resolve(urlFolder(at(folder))),
    readFile,
    openReward: (path) => {
      const folder = urlFolder(at(path));
      return openRewardModel(reward, { base: folder, tokenizer: folder });
    },
  });
  const product = await ponder.prepare(shape, ...operands(shape));
  const once = 2 * shape.m * shape.n * shape.k;
  // Enough of them that the wait for the device does not count.
  const times = Math.ceil(MATMUL_FLOPS / once);
  const matmul = async (): Promise<number> =>
    (times * once) / (await timed(() => product.run(times)));
  await trainer.trainStep();
  await matmul();
  const from = [{ ...policy.counters }, { ...reward.counters }] as const;
  const started = performance.now();
  const rates: number[] = [await matmul()];
  const seconds: number[] = [];
  const stepRates: number[] = [];
  const lengths: number[] = [];
  const flops = (): number => policy.counters.flops + reward.counters.flops;
  while (
    seconds.length < STEPS &&
    (seconds.length < 2 || performance.now() - started < 1000 * BUDGET)
  ) {
    const before = flops();
    const time = await timed(async () => {
      const { metrics } = await trainer.trainStep();
      lengths.push(metrics['completions/mean_length']!);
      await policy.idle();
    });
    seconds.push(time);
    stepRates.push((flops() - before) / time);
    rates.push(await matmul());
  }
  const steps = seconds.length;
  const result: StepTiming = {
    recipe: path,
    steps,
    seconds: median(seconds),
    rate: median(stepRates),
    flops: (flops() - from[0].flops - from[1].flops) / steps,
    completionLength: lengths.reduce((sum, length) => sum + length, 0) / steps,
    matmul: { name: shape.name, rate: median(rates) },
    share: median(stepRates) / median(rates),
    policy: perStep(policy.counters, from[0], steps),
    reward: perStep(reward.counters, from[1], steps),
  };
  product.free();
  trainer.destroy();
  policy.close();
  reward.close();
  return result;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function perStep(now: GpuCounters, before: GpuCounters, steps: number): GpuCounters {
  return {
    dispatches: (now.dispatches - before.dispatches) / steps,
    submits: (now.submits - before.submits) / steps,
    readbacks: (now.readbacks - before.readbacks) / steps,
    flops: (now.flops - before.flops) / steps,
  };
}
