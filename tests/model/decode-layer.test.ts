/** The layers of a decoding step, by every set of kernels: what they compute, and in how many launches. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { MemoryPlan } from '../../src/gpu/memory.ts';
import type { Storage } from '../../src/gpu/storage.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { Decoder, type Generation } from '../../src/model/decoder.ts';
import { planDecoder } from '../../src/model/decoder-plan.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { LoraConfig } from '../../src/model/lora.ts';
import { PROJECTIONS } from '../../src/model/peft.ts';
import { KERNELS, skipUnableTo, type OtherKernels } from '../kernels.ts';
import {
  CONFIGS,
  merged,
  randomFactors,
  randomIds,
  randomTensors,
  stored,
  wide,
} from '../random-model.ts';
import * as reference from './reference/transformer.ts';

/** The sizes of a layer of SmolLM2-135M. */
const SMOLLM2: ModelConfig = {
  ...CONFIGS['llama, tied']!,
  ...{ hiddenSize: 576, intermediateSize: 1536, heads: 9, kvHeads: 3, headDim: 64 },
};

const all: LoraConfig = { task: 'CAUSAL_LM', r: 4, alpha: 6, targets: PROJECTIONS };
const two: LoraConfig = { task: 'CAUSAL_LM', r: 3, alpha: 3, targets: ['k_proj', 'up_proj'] };

interface Case {
  name: string;
  config: ModelConfig;
  lora: LoraConfig;
  layers?: Storage;
  /** Which kernels decode it besides the CPU's. */
  also?: readonly OtherKernels[];
}

const CASES: readonly Case[] = [
  ...Object.entries(CONFIGS).map(([family, config]) => ({
    ...{ name: `${family}, all projections`, config, lora: all },
    ...(config.attentionBias && { also: ['card'] as const }),
  })),
  {
    name: 'qwen3, k and up',
    config: CONFIGS['qwen3, head norms, head_dim apart']!,
    lora: two,
  },
  { name: 'int4, all projections', config: wide, lora: all, layers: 'int4', also: ['wide'] },
  { name: 'f16, gate', config: wide, lora: { ...two, targets: ['gate_proj'] }, layers: 'f16' },
];

/**
 * Launches for one token and one layer, without an adapter and with one on all projections: qkv;
 * rotation, cache, attention; output; gate-up; down. The adapter adds: three for q, k and v; x A^T
 * of output and of down; SwiGLU.
 */
const LAUNCHES = { base: 5, adapted: 8 };

describe.each(KERNELS)('decoding by the $name kernels', ({ name: kernels, variants }) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openNodeGpu({ variants });
  });
  beforeEach(({ skip }) => skipUnableTo(gpu, variants, skip));
  afterAll(() => gpu.close());

  const cases = CASES.filter(({ also }) => kernels === 'CPU' || also?.includes(kernels));
  it.each(cases)(
    'gives the log-probs of the reference, with an adapter and without: $name',
    async ({ config, lora, layers = 'f32' }) => {
      const storage = { layers, tables: 'f16' } as const;
      const model = LanguageModel.allocate(gpu, config, {
        lora,
        ...(layers !== 'f32' && { storage }),
      });
      const tensors = randomTensors(config, 3);
      const factors = randomFactors(config, lora);
      model.weights.setTensors(tensors);
      model.trainable.setTensors(factors);
      const held = layers === 'f32' ? tensors : stored(config, tensors, layers, 'f16');
      const prompt = randomIds(config, 6, 2);
      for (const [policy, weights] of [
        [model, merged(held, factors, lora)],
        [model.withoutAdapter(), merged(held, new Map(), lora)],
      ] as const) {
        const { group } = await generated(policy, prompt, 6);
        expectLogProbs(config, weights, prompt, group);
      }
      model.destroy();
    },
  );

  it('takes few launches a layer', async ({ skip }) => {
    if (kernels !== 'card') skip('on the CPU a launch costs little');
    const launches = async (lora: LoraConfig | undefined, layers: number): Promise<number> => {
      const config = { ...CONFIGS['qwen2, biases']!, layers, eosTokenIds: [] };
      const model = LanguageModel.allocate(gpu, config, lora && { lora });
      model.weights.setTensors(randomTensors(config, 3));
      // A prompt of one token is not prefilled: all launches are those of decoding.
      const { dispatches } = await generated(model, [5], 2);
      model.destroy();
      return dispatches / 2;
    };
    const ofLayer = async (lora?: LoraConfig): Promise<number> =>
      (await launches(lora, 2)) - (await launches(lora, 1));
    expect(await ofLayer()).toBe(LAUNCHES.base);
    expect(await ofLayer(all)).toBe(LAUNCHES.adapted);
  });

  it('cuts the keys of long contexts into parts, in one launch more a layer', async ({ skip }) => {
    if (kernels !== 'card') skip('on the CPU there are no parts');
    const config = { ...CONFIGS['llama, tied']!, maxPositions: 1024, eosTokenIds: [] };
    const model = LanguageModel.allocate(gpu, config);
    const tensors = randomTensors(config, 3);
    model.weights.setTensors(tensors);
    const prompts = { short: randomIds(config, 100, 2), long: randomIds(config, 600, 2) };
    const { group } = await generated(model, prompts.long, 3);
    expectLogProbs(config, merged(tensors, new Map(), all), prompts.long, group);
    const ofToken = async (prompt: number[]): Promise<number> =>
      (await generated(model, prompt, 3)).dispatches -
      (await generated(model, prompt, 2)).dispatches;
    expect((await ofToken(prompts.long)) - (await ofToken(prompts.short))).toBe(config.layers);
    model.destroy();
  });

  async function generated(model: LanguageModel, prompt: number[], maxNewTokens: number) {
    const limits = { maxSequences: 2, maxPromptTokens: prompt.length, maxNewTokens };
    const decoder = await Decoder.create(model, limits);
    const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 3, maxNewTokens };
    const before = gpu.counters.dispatches;
    const [group] = await decoder.generate([prompt], 2, sampling, Uint32Array.of(0, 1));
    decoder.destroy();
    return { group: group!, dispatches: gpu.counters.dispatches - before };
  }
});

function expectLogProbs(
  config: ModelConfig,
  weights: Map<string, Float64Array>,
  prompt: number[],
  group: readonly Generation[],
): void {
  for (const { ids, logps } of group) {
    const rows = reference.logits(config, weights, [...prompt, ...ids]);
    ids.forEach((id, t) => {
      const want = reference.logSoftmax(rows[prompt.length + t - 1]!)[id]!;
      expect(Math.abs(logps[t]! - want)).toBeLessThan(1e-3);
    });
  }
}

/**
 * The launches that a card needs for one token and one layer of SmolLM2-135M. One more merges the parts
 * of long contexts with few sequences. With many sequences, one more adds up the parts of k in the product
 * of down.
 */
describe.each([
  { sequences: 1, keys: 600, base: 6, adapted: 9 },
  { sequences: 2, keys: 100, base: 5, adapted: 8 },
  { sequences: 8, keys: 600, base: 6, adapted: 9 },
  { sequences: 16, keys: 600, base: 5, adapted: 8 },
  { sequences: 32, keys: 600, base: 5, adapted: 8 },
  { sequences: 33, keys: 100, base: 5, adapted: 8 },
  { sequences: 64, keys: 100, base: 5, adapted: 8 },
  { sequences: 80, keys: 100, base: 5, adapted: 8 },
  { sequences: 96, keys: 100, base: 5, adapted: 9 },
  { sequences: 128, keys: 100, base: 6, adapted: 9 },
  { sequences: 256, keys: 100, base: 6, adapted: 9 },
])('decoding $sequences sequences of $keys keys', ({ sequences, keys, base, adapted }) => {
  const planned = (lora?: LoraConfig): number => {
    const of = (layers: number): number => {
      const plan = new MemoryPlan(2 ** 31);
      const model = LanguageModel.allocate(plan, { ...SMOLLM2, layers }, lora && { lora });
      const limits = { maxSequences: 256, maxPromptTokens: 512, maxNewTokens: 128 };
      const { decodeOps } = planDecoder(model, limits);
      const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 3, maxNewTokens: 128 };
      const dims = { tokens: sequences, pairs: keys * sequences, step: 9, sampling };
      return decodeOps.filter((op) => !op.grid(dims).includes(0)).length;
    };
    return of(2) - of(1);
  };
  it(`takes ${base} launches a layer, ${adapted} with an adapter on all projections`, () => {
    expect(planned()).toBe(base);
    expect(planned({ ...all, r: 16 })).toBe(adapted);
  });
});
