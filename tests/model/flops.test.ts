/** The count of useful floating-point operations, against a count of each sequence. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { ParameterPool } from '../../src/model/parameter-pool.ts';
import { TrainingRunner } from '../../src/model/batch-runner.ts';
import { packBatch } from '../../src/model/batch.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { Decoder } from '../../src/model/decoder.ts';
import { CONFIGS, randomIds, randomModel } from '../random-model.ts';

const config: ModelConfig = { ...CONFIGS['llama, tied']!, eosTokenIds: [2, 3, 4, 5] };
const { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize } = config;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

async function counted(work: () => Promise<unknown>): Promise<number> {
  const before = gpu.counters.flops;
  await work();
  return gpu.counters.flops - before;
}

/** One layer on one token that sees `keys` keys. */
function layerFlops(keys: number): number {
  const weights =
    hiddenSize * (heads + 2 * kvHeads) * headDim +
    heads * headDim * hiddenSize +
    3 * hiddenSize * intermediateSize;
  return 2 * weights + 4 * heads * headDim * keys;
}

const HEAD = 2 * hiddenSize * vocabSize;

const sum = (count: number, term: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => term(i)).reduce((a, b) => a + b, 0);

describe('useful operations', () => {
  it('of a packed batch: shared prompts once, every logit once', async () => {
    const { model } = randomModel(gpu, config);
    const gradients = new ParameterPool(gpu, model.weights.layout, 'gradients', 'gradients');
    const runner = await TrainingRunner.create(model, { maxTokens: 64, maxTargets: 32 }, gradients);
    const lengths = [4, 1, 6];
    const prompt = randomIds(config, 5, 1);
    const completions = lengths.map((n, i) => randomIds(config, n, 2 + i));
    const batch = packBatch([{ prompt, completions }], 'completion');
    // The last token of a completion is only a target, never an input.
    const forward =
      sum(5, (t) => layers * layerFlops(t + 1)) +
      lengths.reduce((all, n) => all + sum(n - 1, (t) => layers * layerFlops(6 + t)), 0) +
      HEAD * 11;
    expect(await counted(() => runner.forward(batch))).toBe(forward);
    const pass = await runner.forward(batch);
    const backward = await counted(async () => {
      await runner.backward(pass, new Float32Array(11).fill(1));
      await gpu.idle();
    });
    expect(backward).toBe(2 * forward);
    runner.destroy();
  });

  it('of a generation: up to the end of each sequence', async () => {
    const { model } = randomModel(gpu, config);
    const limits = { maxSequences: 6, maxPromptTokens: 12, maxNewTokens: 20 };
    const decoder = await Decoder.create(model, limits);
    const long = randomIds(config, 7, 2);
    // What begins alike is computed once.
    const prompts = [[...long.slice(0, 2), ...randomIds(config, 2, 3)], long];
    const alike = 2;
    const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 20 };
    const lengths: number[][] = [];
    const flops = await counted(async () => {
      const groups = await decoder.generate(prompts, 3, sampling, Uint32Array.of(0, 1, 2, 3, 4, 5));
      lengths.push(...groups.map((group) => group.map(({ ids }) => ids.length)));
    });
    expect(new Set(lengths.flat()).size).toBeGreaterThan(1);
    const projection = 2 * hiddenSize * (heads + 2 * kvHeads) * headDim;
    // In the last layer of a prompt, only keys and values are needed.
    const read = (t: number): number => (layers - 1) * layerFlops(t + 1) + projection;
    const prompted = sum(2, (p) => sum(prompts[p]!.length - 1, read)) - sum(alike, read);
    const written = sum(2, (p) =>
      lengths[p]!.reduce(
        (all, n) => all + sum(n, (t) => layers * layerFlops(prompts[p]!.length + t) + HEAD),
        0,
      ),
    );
    expect(flops).toBe(prompted + written);
    decoder.destroy();
  });
});
