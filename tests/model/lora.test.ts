/** Adapters and stored weights: LoRA, f16, bf16, int8, int4, tables in pieces, recomputed layers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { KERNELS_FOR } from '../../src/gpu/variants.ts';
import { packBatch, type PackedBatch } from '../../src/model/batch.ts';
import { TrainingRunner } from '../../src/model/batch-runner.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { LoraConfig } from '../../src/model/lora.ts';
import { sequenceLogits } from '../../src/model/logits.ts';
import { ParameterPool, type TensorMap } from '../../src/model/parameter-pool.ts';
import { PROJECTIONS, SCORE_TENSOR } from '../../src/model/peft.ts';
import { Random } from '../../src/rl/random.ts';
import {
  asReward,
  CONFIGS,
  merged,
  randomFactors,
  randomIds,
  randomTensors,
  stored,
  wide,
} from '../random-model.ts';
import * as reference from './reference/transformer.ts';

let gpu: Gpu;
let gpuAsCard: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
  gpuAsCard = await openNodeGpu({ variants: KERNELS_FOR.card });
});
afterAll(() => [gpu, gpuAsCard].forEach((opened) => opened.close()));

const LORAS: Record<string, LoraConfig> = {
  'all projections, r 4': { task: 'CAUSAL_LM', r: 4, alpha: 6, targets: PROJECTIONS },
  'k and up, r 3': { task: 'CAUSAL_LM', r: 3, alpha: 3, targets: ['k_proj', 'up_proj'] },
};
const limits = { maxTokens: 64, maxTargets: 32 };

function groupsFor(config: ModelConfig): { prompt: number[]; completions: number[][] }[] {
  return [
    { prompt: randomIds(config, 5, 1), completions: [4, 2].map((n) => randomIds(config, n, n)) },
    { prompt: randomIds(config, 3, 5), completions: [randomIds(config, 3, 9)] },
  ];
}

/** Sum over all targets of weight x log-prob, in float64. */
function objective(
  config: ModelConfig,
  tensors: Map<string, Float64Array>,
  batch: PackedBatch,
  weights: Float32Array,
): number {
  let sum = 0;
  groupsFor(config).forEach(({ prompt, completions }, g) =>
    completions.forEach((completion, c) => {
      const rows = reference.logits(config, tensors, [...prompt, ...completion]);
      const [start] = batch.ranges[g]![c]!;
      completion.forEach((id, t) => {
        sum += weights[start + t]! * reference.logSoftmax(rows[prompt.length + t - 1]!)[id]!;
      });
    }),
  );
  return sum;
}

function adapted(
  gpu: Gpu,
  config: ModelConfig,
  lora: LoraConfig,
): { model: LanguageModel; tensors: TensorMap; factors: Map<string, Float32Array> } {
  const model = LanguageModel.allocate(gpu, config, { lora });
  const tensors = randomTensors(config, 3);
  const factors = randomFactors(config, lora);
  model.weights.setTensors(tensors);
  model.trainable.setTensors(factors);
  return { model, tensors, factors };
}

/** Checks one number of every tensor's gradient against central differences of `value` in float64. */
function expectSlopes(
  gradients: TensorMap,
  factors: TensorMap,
  value: (factors: ReadonlyMap<string, ArrayLike<number>>) => number,
  random: Random,
): void {
  for (const [name, gradient] of gradients) {
    const at = random.below(gradient.length);
    const moved = (by: number): number => {
      const factor = Float64Array.from(factors.get(name)!);
      factor[at]! += by;
      return value(new Map<string, ArrayLike<number>>([...factors, [name, factor]]));
    };
    const want = (moved(1e-4) - moved(-1e-4)) / 2e-4;
    expect(Math.abs(gradient[at]! - want), name).toBeLessThan(1e-3 + 1e-3 * Math.abs(want));
  }
}

const ALL = 'all projections, r 4';
/** The kernels for cards take long to compile: one family has them, for all projections. */
const CASES = [
  ...Object.entries(CONFIGS).map(([name, config]) => {
    return { name, config, kernels: 'CPU', loras: Object.entries(LORAS) };
  }),
  {
    ...{ name: 'qwen2, biases', config: CONFIGS['qwen2, biases']!, kernels: 'card' },
    loras: [[ALL, LORAS[ALL]!]] as [string, LoraConfig][],
  },
];

describe.each(CASES)('LoRA on $name, by the $kernels kernels', ({ config, kernels, loras }) => {
  let own: Gpu;
  beforeAll(() => (own = kernels === 'card' ? gpuAsCard : gpu));

  it.each(loras)('%s: log-probs and gradients', async (_name, lora) => {
    const { model, tensors, factors } = adapted(own, config, lora);
    const { layout } = model.trainable;
    const pools = [0, 1].map(() => new ParameterPool(own, layout, 'gradients', 'gradients'));
    const batch = packBatch(groupsFor(config), 'completion');
    const random = new Random(4);
    const weights = Float32Array.from(batch.targetIds, () => random.normal());
    const gradients: Map<string, Float32Array>[] = [];
    const value = (factor: ReadonlyMap<string, ArrayLike<number>>): number =>
      objective(config, merged(tensors, factor, lora), batch, weights);
    for (const [i, pool] of pools.entries()) {
      const runner = await TrainingRunner.create(model, { ...limits, recompute: i === 1 }, pool);
      const pass = await runner.forward(batch);
      const got = pass.values.reduce((sum, logp, t) => sum + weights[t]! * logp, 0);
      expect(Math.abs(got - value(factors))).toBeLessThan(1e-3);
      await runner.backward(pass, weights);
      gradients.push(await pool.read(own));
      runner.destroy();
    }
    // Recomputed layers give the same bits.
    expect(gradients[1]).toEqual(gradients[0]);
    expectSlopes(gradients[0]!, factors, value, random);
    for (const pool of pools) pool.destroy();
    model.destroy();
  });

  it('with a score head: scores and gradients', async () => {
    const lora: LoraConfig = { ...LORAS[ALL]!, task: 'SEQ_CLS' };
    const { model, tensors, factors } = adapted(own, asReward(config), lora);
    const { layout } = model.trainable;
    expect(layout.parameters.get(SCORE_TENSOR)!.shape).toEqual([1, config.hiddenSize]);
    const pool = new ParameterPool(own, layout, 'gradients', 'gradients');
    const runner = await TrainingRunner.create(model, limits, pool);
    const [group] = groupsFor(config);
    const pass = await runner.forward(packBatch([group!], 'score'));
    const scoreOf = (factor: ReadonlyMap<string, ArrayLike<number>>): number => {
      const weights = new Map<string, ArrayLike<number>>(merged(tensors, factor, lora));
      weights.set('score.weight', factor.get(SCORE_TENSOR)!);
      return reference.score(config, weights, [...group!.prompt, ...group!.completions[0]!]);
    };
    expect(Math.abs(pass.values[0]! - scoreOf(factors))).toBeLessThan(1e-3);
    await runner.backward(pass, Float32Array.of(1, 0));
    expectSlopes(await pool.read(own), factors, scoreOf, new Random(6));
    for (const part of [runner, pool, model]) part.destroy();
  });
});

const STORAGES = ['f16', 'bf16', 'int8', 'int4'] as const;

describe.each(STORAGES)('weights stored as %s', (layers) => {
  const tables = layers === 'f16' ? 'f16' : 'bf16';

  it('give the logits of the stored values', async () => {
    const tensors = randomTensors(wide, 5);
    const model = LanguageModel.allocate(gpu, wide, { storage: { layers, tables } });
    model.weights.setTensors(tensors);
    const held = stored(wide, tensors, layers, tables);
    expect(await model.weights.read(gpu)).toEqual(held);
    const ids = randomIds(wide, 9, 1);
    const held64 = new Map([...held].map(([name, x]) => [name, Float64Array.from(x)]));
    const want = reference.logits(wide, held64, ids);
    const got = await sequenceLogits(model, ids);
    got.forEach((row, t) =>
      row.forEach((x, i) => expect(Math.abs(x - want[t]![i]!)).toBeLessThan(1e-3)),
    );
    model.destroy();
  });

  it('train an adapter as f32 weights of the same values do', async () => {
    const lora: LoraConfig = { task: 'CAUSAL_LM', r: 4, alpha: 8, targets: PROJECTIONS };
    const tensors = stored(wide, randomTensors(wide, 5), layers, tables);
    const factors = randomFactors(wide, lora);
    const batch = packBatch(groupsFor(wide), 'completion');
    const results: Map<string, Float32Array>[] = [];
    for (const options of [{ storage: { layers, tables } as const, lora }, { lora }]) {
      const model = LanguageModel.allocate(gpu, wide, options);
      model.weights.setTensors(tensors);
      model.trainable.setTensors(factors);
      const pool = new ParameterPool(gpu, model.trainable.layout, 'gradients', 'gradients');
      const runner = await TrainingRunner.create(model, limits, pool);
      const pass = await runner.forward(batch);
      await runner.backward(pass, new Float32Array(batch.targetIds.length).fill(1));
      results.push(await pool.read(gpu));
      for (const part of [runner, pool, model]) part.destroy();
    }
    // Setting the weights encodes the blocks again, which may move a step by one unit of float16.
    for (const [name, want] of results[1]!) {
      const got = results[0]!.get(name)!;
      const error = Math.hypot(...got.map((x, i) => x - want[i]!));
      expect(error / Math.hypot(...want), name).toBeLessThan(
        layers.startsWith('int') ? 2e-2 : 1e-5,
      );
    }
  });
});

it('cuts a table that is too large for one binding into pieces', async () => {
  const config = CONFIGS['llama, tied']!;
  const small = Object.create(gpu, { maxBinding: { value: 7168 } }) as Gpu;
  const results: { logits: Float32Array[]; gradient: Map<string, Float32Array> }[] = [];
  for (const memory of [gpu, small]) {
    const model = LanguageModel.allocate(memory, config);
    model.weights.setTensors(randomTensors(config, 3));
    const pool = new ParameterPool(memory, model.weights.layout, 'gradients', 'gradients');
    // Activations must fit into the small bindings too.
    const runner = await TrainingRunner.create(model, { maxTokens: 24, maxTargets: 16 }, pool);
    const batch = packBatch(groupsFor(config), 'completion');
    const pass = await runner.forward(batch);
    await runner.backward(pass, new Float32Array(batch.targetIds.length).fill(1));
    results.push({
      logits: await sequenceLogits(model, randomIds(config, 7, 1)),
      gradient: await pool.read(gpu),
    });
    if (memory === small) {
      expect(model.weights.pieces('embedding').length).toBe(2);
      expect(Math.max(...model.weights.layout.pages.map(({ bytes }) => bytes))).toBeLessThanOrEqual(
        7168,
      );
    }
    for (const part of [runner, pool, model]) part.destroy();
  }
  const [whole, cut] = results;
  expect(cut!.logits).toEqual(whole!.logits);
  for (const [name, want] of whole!.gradient) {
    cut!.gradient.get(name)!.forEach((x, i) => {
      expect(Math.abs(x - want[i]!), name).toBeLessThan(1e-4);
    });
  }
});
