/** The GPU model against the independent float64 forward pass, for every family and set of kernels. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { AdamW } from '../../src/model/adamw.ts';
import { packBatch, type TokenGroup } from '../../src/model/batch.ts';
import { BatchRunner, TrainingRunner } from '../../src/model/batch-runner.ts';
import { Decoder } from '../../src/model/decoder.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { sequenceLogits } from '../../src/model/logits.ts';
import { Random } from '../../src/rl/random.ts';
import { KERNELS, skipUnableTo } from '../kernels.ts';
import { asReward, CONFIGS, randomIds, randomModel } from '../random-model.ts';
import * as reference from './reference/transformer.ts';

let gpu: Gpu;

/**
 * Of what differs between the families, the two for cards have all that reaches kernels that come in
 * variants: short and long heads too.
 */
const llama = { 'llama, tied': CONFIGS['llama, tied']! };
const FAMILIES = {
  CPU: CONFIGS,
  card: { ...llama, 'qwen2, biases, long heads': { ...CONFIGS['qwen2, biases']!, headDim: 32 } },
  wide: llama,
};

const optimizerOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};
const limits = { maxTokens: 64, maxTargets: 40 };

function groupsFor(model: LanguageModel): TokenGroup[] {
  const ids = (n: number, seed: number): number[] => randomIds(model.config, n, seed);
  return [
    { prompt: ids(7, 1), completions: [ids(5, 2), ids(1, 3), ids(9, 4)] },
    { prompt: ids(1, 5), completions: [ids(6, 6)] },
  ];
}

describe.each(KERNELS)('the $name kernels', ({ name, variants }) => {
  beforeAll(async () => {
    gpu = await openNodeGpu({ variants });
  });
  beforeEach(({ skip }) => skipUnableTo(gpu, variants, skip));
  afterEach(() => {
    vi.restoreAllMocks();
  });
  afterAll(() => gpu.close());

  describe.each(Object.entries(FAMILIES[name]))('%s', (_, config) => {
    it('gives the reference logits', async () => {
      const { model, tensors } = randomModel(gpu, config);
      const ids = randomIds(config, 21, 9);
      const ours = await sequenceLogits(model, ids);
      const theirs = reference.logits(config, tensors, ids);
      ours.forEach((row, t) =>
        row.forEach((v, i) => expect(Math.abs(v - theirs[t]![i]!)).toBeLessThan(1e-3)),
      );
      model.destroy();
    });

    it('gives the log-probs and entropies of packed groups that share a prompt', async () => {
      const { model, tensors } = randomModel(gpu, config, 2);
      const runner = await BatchRunner.create(model, limits);
      const groups = groupsFor(model);
      const batch = packBatch(groups, 'completion');
      const temperature = 0.8;
      const { values, entropy } = await runner.forward(batch, temperature);
      groups.forEach(({ prompt, completions }, g) =>
        completions.forEach((completion, c) => {
          const rows = reference.logits(config, tensors, [...prompt, ...completion]);
          const [start] = batch.ranges[g]![c]!;
          completion.forEach((id, t) => {
            const z = rows[prompt.length + t - 1]!.map((v) => v / temperature);
            const logp = reference.logSoftmax(z);
            expect(Math.abs(values[start + t]! - logp[id]!)).toBeLessThan(1e-4);
            const h = -logp.reduce((s, l) => s + Math.exp(l) * l, 0);
            expect(Math.abs(entropy[start + t]! - h)).toBeLessThan(1e-4);
          });
        }),
      );
      runner.destroy();
      model.destroy();
    });

    it('has the gradient that central differences of the reference give', async () => {
      const { model, tensors } = randomModel(gpu, config, 3);
      const optimizer = await AdamW.create(model, optimizerOptions);
      const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
      const groups = groupsFor(model);
      const batch = packBatch(groups, 'completion');
      const random = new Random(4);
      const weights = Float32Array.from(batch.targetIds, () => random.normal());
      const entropyWeights = Float32Array.from(batch.targetIds, () => 0.3 * random.normal());
      await runner.backward(await runner.forward(batch), weights, entropyWeights);
      // Twice: gradients of two batches add up.
      await runner.backward(await runner.forward(batch), weights, entropyWeights);
      const gradients = await optimizer.gradients.read(gpu);
      const loss = (): number =>
        groups.reduce((sum, { prompt, completions }, g) => {
          return completions.reduce((inner, completion, c) => {
            const rows = reference.logits(config, tensors64, [...prompt, ...completion]);
            const [start] = batch.ranges[g]![c]!;
            return completion.reduce((s, id, t) => {
              const logp = reference.logSoftmax(rows[prompt.length + t - 1]!);
              const h = -logp.reduce((e, l) => e + Math.exp(l) * l, 0);
              return s + weights[start + t]! * logp[id]! + entropyWeights[start + t]! * h;
            }, inner);
          }, sum);
        }, 0);
      const tensors64 = new Map([...tensors].map(([n, t]) => [n, Float64Array.from(t)]));
      for (const [name, values] of tensors64) {
        // Two entries of each tensor: a used embedding row, so that it cannot be zero by default.
        const used = name.includes('embed_tokens') ? groups[0]!.prompt[0]! * config.hiddenSize : 0;
        for (const at of [used, used + random.below(Math.min(values.length, config.hiddenSize))]) {
          const kept = values[at]!;
          const h = 1e-4;
          values[at] = kept + h;
          const up = loss();
          values[at] = kept - h;
          const down = loss();
          values[at] = kept;
          const expected = (2 * (up - down)) / (2 * h);
          const got = gradients.get(name)![at]!;
          expect(Math.abs(got - expected), `${name}[${at}]: ${got} for ${expected}`).toBeLessThan(
            2e-3 * Math.max(1, Math.abs(expected)),
          );
        }
      }
      runner.destroy();
      optimizer.destroy();
      model.destroy();
    });

    it('samples tokens whose log-probs are those of the training forward', async () => {
      const { model } = randomModel(gpu, config, 5);
      const decoder = await Decoder.create(model, {
        maxSequences: 8,
        maxPromptTokens: 24,
        maxNewTokens: 12,
      });
      const runner = await BatchRunner.create(model, { maxTokens: 120, maxTargets: 96 });
      const long = randomIds(config, 9, 1);
      // The last one begins as the first.
      const alike = [...long.slice(0, 6), ...randomIds(config, 2, 4)];
      const prompts = [long, randomIds(config, 1, 2), randomIds(config, 4, 3), alike];
      const sampling = {
        temperature: 0.9,
        topK: 0,
        topP: 1,
        minP: 0,
        seed: 11,
        maxNewTokens: 12,
      };
      const streams = Uint32Array.from(range(8));
      const written = await decoder.generate(prompts, 2, sampling, streams);
      const batch = packBatch(
        prompts.map((prompt, p) => ({ prompt, completions: written[p]!.map((s) => s.ids) })),
        'completion',
      );
      const { values } = await runner.forward(batch, 0.9);
      const logps = written.flat().flatMap((s) => s.logps);
      expect(logps.length).toBeGreaterThan(30);
      logps.forEach((logp, i) => expect(Math.abs(logp - values[i]!)).toBeLessThan(1e-4));
      // The same streams give the same tokens in another arrangement.
      const again = await decoder.generate([prompts[1]!], 2, sampling, Uint32Array.from([2, 3]));
      expect(again[0]!.map((s) => s.ids)).toEqual(written[1]!.map((s) => s.ids));
      decoder.destroy();
      runner.destroy();
      model.destroy();
    });

    it('scores as the reference does, with its gradient', async () => {
      const reward = asReward(config);
      const { model, tensors } = randomModel(gpu, reward, 6);
      const optimizer = await AdamW.create(model, optimizerOptions);
      const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
      const groups = groupsFor(model);
      const pass = await runner.forward(packBatch(groups, 'score'));
      const scores = groups.flatMap(({ prompt, completions }) =>
        completions.map((c) => reference.score(reward, tensors, [...prompt, ...c])),
      );
      scores.forEach((score, i) => expect(Math.abs(pass.values[i]! - score)).toBeLessThan(1e-3));
      await runner.backward(pass, Float32Array.from([1, 0, 0, 0]));
      const gradients = await optimizer.gradients.read(gpu);
      const { prompt, completions } = groups[0]!;
      for (const name of [
        'score.weight',
        'model.layers.0.self_attn.q_proj.weight',
        'model.norm.weight',
      ]) {
        const moved = Float64Array.from(tensors.get(name)!);
        const at = (h: number): number => {
          moved[3]! += h;
          const s = reference.score(
            reward,
            new Map<string, ArrayLike<number>>([...tensors, [name, moved]]),
            [...prompt, ...completions[0]!],
          );
          moved[3]! -= h;
          return s;
        };
        const expected = (at(1e-4) - at(-1e-4)) / 2e-4;
        expect(Math.abs(gradients.get(name)![3]! - expected)).toBeLessThan(
          1e-3 * Math.max(1, Math.abs(expected)),
        );
      }
      runner.destroy();
      optimizer.destroy();
      model.destroy();
    });
  });

  it('goes back from a pass once, while its activations are there', async () => {
    const config = CONFIGS['llama, tied']!;
    const { model } = randomModel(gpu, config, 3);
    const { model: initial } = randomModel(gpu, config, 4);
    const optimizer = await AdamW.create(model, optimizerOptions);
    const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
    const other = await TrainingRunner.create(model, limits, optimizer.gradients);
    const reference = await BatchRunner.beside(runner, initial);
    const batch = packBatch(groupsFor(model), 'completion');
    const slopes = new Float32Array(batch.targetRows.length).fill(1);
    const gone = /the activations of this forward pass are gone/;
    const slopeOf = async (): Promise<number> =>
      (await optimizer.gradients.read(gpu)).get('model.norm.weight')![0]!;

    const beforeReference = await runner.forward(batch);
    await reference.forward(batch);
    await expect(runner.backward(beforeReference, slopes)).rejects.toThrow(gone);
    const first = await runner.forward(batch);
    const second = await runner.forward(batch);
    await expect(runner.backward(first, slopes)).rejects.toThrow(gone);
    await expect(other.backward(second, slopes)).rejects.toThrow(gone);
    expect(await slopeOf()).toBe(0);

    await runner.backward(second, slopes);
    const once = await slopeOf();
    expect(once).not.toBe(0);
    await expect(runner.backward(second, slopes)).rejects.toThrow(gone);
    expect(await slopeOf()).toBe(once);

    const third = await runner.forward(batch);
    await expect(runner.backward(third, slopes.subarray(1))).rejects.toThrow(
      'a derivative of each',
    );

    // @ts-expect-error: without gradients there is no way back
    expect(reference.backward).toBeUndefined();
    for (const part of [reference, other, runner, optimizer, initial, model]) part.destroy();
  });

  it('writes the same whether sequences that ended leave the batch or not', async () => {
    const config = { ...CONFIGS['llama, tied']!, eosTokenIds: [1, 2, 3, 4] };
    const { model } = randomModel(gpu, config, 6);
    const limits = { maxSequences: 16, maxPromptTokens: 12, maxNewTokens: 32 };
    const decoder = await Decoder.create(model, limits);
    const prompts = [randomIds(config, 6, 1), randomIds(config, 5, 2)];
    // Hot enough that a twentieth of all tokens end their sequence.
    const sampling = { temperature: 8, topK: 0, topP: 1, minP: 0, seed: 5, maxNewTokens: 32 };
    const together = await decoder.generate(prompts, 8, sampling, Uint32Array.from(range(16)));
    const lengths = together.flat().map(({ ids }) => ids.length);
    expect(Math.min(...lengths)).toBeLessThan(9);
    expect(Math.max(...lengths)).toBeGreaterThan(16);
    for (const i of range(16)) {
      const prompt = prompts[Math.floor(i / 8)]!;
      const alone = await decoder.generate([prompt], 1, sampling, Uint32Array.of(i));
      expect(alone[0]![0]!.ids).toEqual(together[Math.floor(i / 8)]![i % 8]!.ids);
    }
    decoder.destroy();
    model.destroy();
  });

  it('learns a batch by heart', async () => {
    const { model } = randomModel(gpu, CONFIGS['llama, tied']!, 3);
    const optimizer = await AdamW.create(model, optimizerOptions);
    const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
    const batch = packBatch(groupsFor(model), 'completion');
    const count = batch.targetIds.length;
    const losses: number[] = [];
    for (let step = 0; step < 40; step++) {
      const pass = await runner.forward(batch);
      losses.push(-pass.values.reduce((sum, logp) => sum + logp, 0) / count);
      await runner.backward(pass, new Float32Array(count).fill(-1 / count));
      await optimizer.step(0.02);
    }
    expect(losses[0]).toBeGreaterThan(3);
    // Three completions of one prompt begin with three tokens: no policy does better than a third each.
    const least = (3 * Math.log(3)) / count;
    expect(losses.at(-1)).toBeGreaterThan(least - 1e-4);
    expect(losses.at(-1)).toBeLessThan(least + 0.01);
    for (const part of [runner, optimizer, model]) part.destroy();
  });

  it('gives the same bits in one submit and in many', async () => {
    const config = CONFIGS['llama, tied']!;
    const { model } = randomModel(gpu, config, 3);
    const optimizer = await AdamW.create(model, optimizerOptions);
    const large = { maxTokens: 400, maxTargets: 300, recompute: true };
    const runner = await TrainingRunner.create(model, large, optimizer.gradients);
    const prompt = randomIds(config, 100, 1);
    const completions = [randomIds(config, 180, 2), randomIds(config, 120, 3)];
    const batch = packBatch([{ prompt, completions }], 'completion');
    const pass = async () => {
      const before = { ...gpu.counters };
      const forward = await runner.forward(batch);
      await runner.backward(forward, new Float32Array(300).fill(1));
      const { dispatches, submits, flops } = gpu.counters;
      const gradients = await optimizer.gradients.read(gpu);
      await optimizer.step(0);
      return {
        ...{ values: forward.values, gradients, flops: flops - before.flops },
        dispatches: dispatches - before.dispatches,
        submits: submits - before.submits,
      };
    };
    const whole = await pass();
    vi.spyOn(gpu.pace, 'budget', 'get').mockReturnValue(1);
    const cut = await pass();
    expect(cut.submits).toBeGreaterThan(10 * whole.submits);
    expect(cut.dispatches).toBeGreaterThan(whole.dispatches + 50);
    expect(cut.values).toEqual(whole.values);
    expect(cut.gradients).toEqual(whole.gradients);
    expect(cut.flops).toBe(whole.flops);
    for (const part of [runner, optimizer, model]) part.destroy();
  });

  // Long heads are decoded by another kernel than short ones.
  it.each(name === 'wide' ? [8] : [8, 64])(
    'writes the same in one submit and in many, heads of %i',
    async (headDim) => {
      const config = { ...CONFIGS['llama, tied']!, headDim };
      const { model } = randomModel(gpu, config, 3);
      const limits = { maxSequences: 40, maxPromptTokens: 64, maxNewTokens: 8 };
      const decoder = await Decoder.create(model, limits);
      const prompts = [randomIds(config, 40, 1), randomIds(config, 10, 2)];
      const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 8 };
      const streams = Uint32Array.from(range(40));
      const write = () => decoder.generate(prompts, 20, sampling, streams);
      const before = gpu.counters.submits;
      const whole = await write();
      const submits = gpu.counters.submits - before;
      vi.spyOn(gpu.pace, 'budget', 'get').mockReturnValue(1);
      expect(await write()).toEqual(whole);
      expect(gpu.counters.submits - before - submits).toBeGreaterThan(20 * submits);
      decoder.destroy();
      model.destroy();
    },
  );
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
