/** The optimizer on whole models against AdamW in float64, tensor by tensor. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { AdamW } from '../../src/model/adamw.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { TensorMap } from '../../src/model/parameter-pool.ts';
import type { ParameterLayout } from '../../src/model/parameters.ts';
import { PROJECTIONS, type LoraConfig } from '../../src/model/peft.ts';
import { Random } from '../../src/rl/random.ts';
import { asReward, CONFIGS } from '../random-model.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 1 };
const RATES = [0.02, 0.01];

/** Trainer.get_decay_parameter_names of transformers: names without weight decay. */
const UNDECAYED = [/bias/, /layernorm/, /rmsnorm/, /(?:^|\.)norm(?:$|\.)/, /_norm(?:$|\.)/];

function randomValues({ parameters }: ParameterLayout, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  return new Map(
    [...parameters].map(([name, { shape }]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length: count }, () => random.normal())];
    }),
  );
}

/** torch.optim.AdamW in float64, its gradients clipped by their global norm. */
function adamw(weights: TensorMap, steps: readonly TensorMap[]): Map<string, Float64Array> {
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = options;
  const clips = steps.map((gradients) => {
    const squares = [...gradients.values()].flatMap((g) => Array.from(g, (x) => x * x));
    return Math.min(1, maxGradNorm / (Math.sqrt(squares.reduce((a, b) => a + b, 0)) + 1e-6));
  });
  return new Map(
    [...weights].map(([name, start]) => {
      const decay = UNDECAYED.some((pattern) => pattern.test(name)) ? 0 : weightDecay;
      const moved = Float64Array.from(start, (initial, i) => {
        let [w, m, v] = [initial, 0, 0];
        steps.forEach((gradients, step) => {
          const g = gradients.get(name)![i]! * clips[step]!;
          m = beta1 * m + (1 - beta1) * g;
          v = beta2 * v + (1 - beta2) * g * g;
          const [first, second] = [m / (1 - beta1 ** (step + 1)), v / (1 - beta2 ** (step + 1))];
          w *= 1 - RATES[step]! * decay;
          w -= (RATES[step]! * first) / (Math.sqrt(second) + epsilon);
        });
        return w;
      });
      return [name, moved];
    }),
  );
}

const reward = asReward(CONFIGS['llama, tied']!);
const lora: LoraConfig = { task: 'SEQ_CLS', r: 3, alpha: 6, targets: PROJECTIONS };
const MODELS: { name: string; config: ModelConfig; lora?: LoraConfig; page?: number }[] = [
  ...Object.entries(CONFIGS).map(([name, config]) => ({ name, config })),
  {
    name: 'a model in many pages',
    config: CONFIGS['qwen3, head norms, head_dim apart']!,
    page: 10240,
  },
  { name: 'a reward model', config: reward },
  { name: 'an adapter with its score head', config: reward, lora },
];

it('neither moves nor counts by a gradient that is not finite', async () => {
  const model = LanguageModel.allocate(gpu, CONFIGS['llama, tied']!);
  const { layout } = model.trainable;
  const optimizer = await AdamW.create(model, options);
  const weights = randomValues(layout, 1);
  model.trainable.setTensors(weights);
  const gradients = randomValues(layout, 2);
  for (const bad of [NaN, Infinity, 1e30]) {
    optimizer.gradients.setTensors(gradients);
    optimizer.gradients.setTensor('model.norm.weight', new Float32Array(24).fill(bad));
    expect(await optimizer.step(0.01)).toBe(Number.isNaN(bad) ? NaN : Infinity);
  }
  expect(optimizer.steps).toBe(0);
  // The first step that counts is the one of an optimizer that never saw them.
  optimizer.gradients.setTensors(gradients);
  await optimizer.step(RATES[0]!);
  expect(optimizer.steps).toBe(1);
  const got = await model.trainable.read(gpu);
  for (const [name, want] of adamw(weights, [gradients])) {
    const error = Math.max(...want.map((x, i) => Math.abs(x - got.get(name)![i]!)));
    expect(error, name).toBeLessThan(1e-5);
  }
  optimizer.destroy();
  model.destroy();
});

describe.each(MODELS)('$name', ({ config, lora, page }) => {
  it('is updated as by AdamW, without weight decay on norms and biases', async () => {
    const memory = page ? (Object.create(gpu, { maxBinding: { value: page } }) as Gpu) : gpu;
    const model = LanguageModel.allocate(memory, config, { lora });
    const { layout } = model.trainable;
    const optimizer = await AdamW.create(model, options);
    const weights = randomValues(layout, 1);
    model.trainable.setTensors(weights);
    const steps = [randomValues(layout, 2), randomValues(layout, 3)];
    for (const [step, gradients] of steps.entries()) {
      optimizer.gradients.setTensors(gradients);
      await optimizer.step(RATES[step]!);
    }
    const got = await model.trainable.read(gpu);
    for (const [name, want] of adamw(weights, steps)) {
      const error = Math.max(...want.map((x, i) => Math.abs(x - got.get(name)![i]!)));
      expect(error, name).toBeLessThan(1e-5);
    }
    optimizer.destroy();
    model.destroy();
  });
});
