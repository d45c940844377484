/** Thoughts that are closed for the policy: how they are written, and that nothing is learnt from them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { AdamW } from '../../src/model/adamw.ts';
import { packBatch } from '../../src/model/batch.ts';
import { TrainingRunner } from '../../src/model/batch-runner.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { Decoder, type Generation } from '../../src/model/decoder.ts';
import { droppedFolder } from '../../src/model/files.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { THINK_END } from '../../src/rl/rollout/completion.ts';
import { ROOM_FOR_RESPONSE } from '../../src/rl/recipe/spec.ts';
import { thoughtEnd } from '../../src/rl/rollout/thought-end.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { WeightedRewards } from '../../src/rl/rewards/weighted-rewards.ts';
import { DpoTrainer } from '../../src/rl/trainers/dpo-trainer.ts';
import { GrpoTrainer } from '../../src/rl/trainers/grpo-trainer.ts';
import { PpoTrainer } from '../../src/rl/trainers/ppo-trainer.ts';
import { CONFIGS, randomIds, randomModel } from '../random-model.ts';
import * as reference from '../model/reference/transformer.ts';

/** Three ids end a text; the tag has three tokens and other spellings. */
const STOPS = [1, 2, 30];
const WORDS = ['</', 'think', '>', '<', '/', 'th', 'ink>', '.</'];
const VOCABULARY = Array.from({ length: 48 }, (_, id) => WORDS[id - 32] ?? `w${id}`);
const TOKENIZER = {
  ...{ added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null },
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([
      ...VOCABULARY.map((token, id) => [token, id] as const),
      ...[...Array.from('thinkw0123456789.'), 'in', 'thin'].map(
        (text, i) => [text, 48 + i] as const,
      ),
    ]),
    merges: ['< /', 't h', 'i n', 'th in', 'thin k'],
  },
};
const LIMIT = 6;
const config: ModelConfig = {
  ...CONFIGS['llama, tied']!,
  ...{ vocabSize: 72, hiddenSize: 16, intermediateSize: 16, layers: 1, heads: 2, kvHeads: 1 },
  eosTokenIds: STOPS.slice(0, 2),
};
const sampling = { temperature: 8, topK: 0, topP: 1, minP: 0, seed: 3 };
const maxNewTokens = LIMIT + ROOM_FOR_RESPONSE + 8;
const prompts = [randomIds(config, 5, 1), randomIds(config, 2, 2)];

let gpu: Gpu;
let model: LanguageModel;
let tensors: reference.Tensors;
let tokenizer: Tokenizer;
let decoder: Decoder;
let free: Generation[];
let closed: Generation[];
beforeAll(async () => {
  gpu = await openNodeGpu();
  ({ model, tensors } = randomModel(gpu, config, 4));
  const files = new Map([['tokenizer.json', new Blob([JSON.stringify(TOKENIZER)])]]);
  tokenizer = await Tokenizer.load(droppedFolder(files));
  decoder = await Decoder.create(model, { maxSequences: 64, maxPromptTokens: 64, maxNewTokens });
  const streams = Uint32Array.from({ length: 64 }, (_, i) => i);
  const options = { ...sampling, maxNewTokens, stopIds: STOPS.slice(2) };
  free = (await decoder.generate(prompts, 32, options, streams)).flat();
  const end = thoughtEnd(tokenizer, true, LIMIT);
  closed = (await decoder.generate(prompts, 32, { ...options, thoughtEnd: end }, streams)).flat();
});
afterAll(() => gpu.close());

const textOf = (ids: readonly number[]): string => tokenizer.decode(ids);
/** The number of tokens up to the one that completes the tag, or -1. */
const ownEnd = (ids: readonly number[]): number =>
  ids.findIndex((_, i) => textOf(ids.slice(0, i + 1)).includes(THINK_END)) + 1 || -1;

describe('the decoder', () => {
  it('closes every thought at the limit, or where a stop token would end it', () => {
    const tag = tokenizer.encode(THINK_END);
    expect(tag).toHaveLength(3);
    let [atStop, atLimit, own] = [0, 0, 0];
    closed.forEach((generation, i) => {
      const { ids, logps, forced, finished } = generation;
      const drawn = free[i]!.ids;
      const stop = drawn.findIndex((id) => STOPS.includes(id));
      if (!forced) {
        own++;
        const end = ownEnd(ids);
        expect(end).toBeGreaterThan(0);
        expect(generation).toEqual(free[i]);
        return;
      }
      const [start, end] = forced;
      if (stop >= 0 && stop < LIMIT) atStop++;
      else atLimit++;
      // After the limit only tokens that continue the tag stay.
      const late = textOf(drawn.slice(LIMIT, start));
      expect(start).toBe(
        stop >= 0 && stop < LIMIT ? stop : LIMIT + drawn.slice(LIMIT, start).length,
      );
      expect(start === LIMIT || stop === start || THINK_END.includes(late.replace(/^\./, ''))).toBe(
        true,
      );
      expect(ids.slice(start, end)).toEqual(tag);
      expect(ids.slice(0, start)).toEqual(drawn.slice(0, start));
      expect(logps.slice(0, start)).toEqual(free[i]!.logps.slice(0, start));
      expect(logps.slice(start, end)).toEqual([0, 0, 0]);
      expect(textOf(ids.slice(0, start))).not.toContain(THINK_END);
      const after = ids.slice(end);
      expect(after.length).toBeGreaterThan(0);
      expect(finished).toBe(STOPS.includes(after.at(-1)!));
      expect(after.slice(0, -1).some((id) => STOPS.includes(id))).toBe(false);
    });
    expect(Math.min(atStop, atLimit)).toBeGreaterThan(5);
    expect(own + atStop + atLimit).toBe(64);
  });

  it('goes on from the forced tag as from any other text', async () => {
    const written = closed.map((generation, i) => ({
      generation,
      prompt: prompts[i < 32 ? 0 : 1]!,
    }));
    for (const { generation, prompt } of written.slice(0, 12)) {
      const { ids, logps, forced } = generation;
      const rows = reference.logits(config, tensors, [...prompt, ...ids]);
      ids.forEach((id, t) => {
        if (forced && t >= forced[0] && t < forced[1]) return;
        const z = rows[prompt.length + t - 1]!.map((v) => v / sampling.temperature);
        expect(Math.abs(logps[t]! - reference.logSoftmax(z)[id]!)).toBeLessThan(1e-4);
      });
    }
    // The next generation begins with open thoughts again.
    const options = { ...sampling, maxNewTokens, stopIds: STOPS.slice(2) };
    const end = thoughtEnd(tokenizer, true, LIMIT);
    const [again] = await decoder.generate(
      [prompts[1]!],
      1,
      { ...options, thoughtEnd: end },
      Uint32Array.of(32),
    );
    expect(again![0]).toEqual(closed[32]);
  });
});

it('the gradient is that of central differences in float64, without the forced tokens', async () => {
  const optimizer = await AdamW.create(model, {
    ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 0 },
  });
  const limits = { maxTokens: 96, maxTargets: 96 };
  const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
  const chosen = closed
    .slice(0, 32)
    .filter(({ forced }) => forced)
    .slice(0, 3);
  const [prompt] = prompts;
  const batch = packBatch(
    [
      {
        prompt: prompt!,
        completions: chosen.map(({ ids }) => ids),
        forced: chosen.map(({ forced }) => forced),
      },
    ],
    'completion',
  );
  const pass = await runner.forward(batch);
  await runner.backward(pass, new Float32Array(pass.values.length).fill(1));
  const gradients = await optimizer.gradients.read(gpu);
  const tensors64 = new Map([...tensors].map(([name, t]) => [name, Float64Array.from(t)]));
  const loss = (): number =>
    chosen.reduce((sum, { ids, forced }) => {
      const rows = reference.logits(config, tensors64, [...prompt!, ...ids]);
      return ids.reduce((inner, id, t) => {
        const isForced = t >= forced![0] && t < forced![1];
        return isForced ? inner : inner + reference.logSoftmax(rows[prompt!.length + t - 1]!)[id]!;
      }, sum);
    }, 0);
  expect(pass.values.reduce((a, b) => a + b, 0)).toBeCloseTo(loss(), 3);
  for (const [name, values] of tensors64) {
    const at = name.includes('embed_tokens') ? tokenizer.encode(THINK_END)[0]! * 16 : 0;
    const kept = values[at]!;
    values[at] = kept + 1e-4;
    const up = loss();
    values[at] = kept - 1e-4;
    const down = loss();
    values[at] = kept;
    const expected = (up - down) / 2e-4;
    const got = gradients.get(name)![at]!;
    expect(Math.abs(got - expected), name).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  }
  runner.destroy();
  optimizer.destroy();
});

const TRAINERS = { grpo: GrpoTrainer, ppo: PpoTrainer, dpo: DpoTrainer };

it.each(['grpo', 'ppo', 'dpo'] as const)('%s trains on what the policy drew', async (algorithm) => {
  const recipe = makeRecipe({
    ...{
      algorithm,
      model_name_or_path: 'policy',
      world: 'meal-planner',
      reward_funcs: ['rule.js'],
    },
    ...{ num_generations: 8, per_device_train_batch_size: 8, max_prompt_length: 80, seed: 3 },
    ...{ max_completion_length: maxNewTokens, max_thought_length: LIMIT, learning_rate: 1e-9 },
    ...(algorithm === 'ppo' ? { kl_coef: 0.1 } : { beta: 0.1 }),
    ...(algorithm === 'dpo' && { online: true }),
  });
  const { model: policy } = randomModel(gpu, config, 4);
  const scores = (texts: readonly { response: string }[]): Promise<number[]> =>
    Promise.resolve(texts.map(({ response }) => response.length % 5));
  const trainer = await TRAINERS[algorithm].create(recipe, policy, {
    tokenizer,
    prompts: { at: () => ({ prompt: 'w3w4' }) },
    rewardFunctions: new WeightedRewards([{ name: 'rule', score: scores }]),
  });
  const { metrics, groups } = await trainer.trainStep();
  const samples = groups[0]!.samples;
  const cut = samples.filter(({ thoughtCut }) => thoughtCut);
  expect(cut.length).toBeGreaterThan(3);
  expect(metrics['completions/clipped_thought_ratio']).toBe(cut.length / 8);
  expect(metrics['completions/malformed_ratio']).toBe(0);
  for (const { trace, tokens, thoughtCut } of samples) {
    const { forced, text, logp, entropy, after } = trace!;
    expect(forced !== undefined).toBe(thoughtCut);
    if (!forced) continue;
    expect(text.slice(...forced).join('')).toBe(THINK_END);
    expect(tokens).toBe(text.length - 3);
    for (const column of [logp, entropy, after!]) {
      expect(column).toHaveLength(text.length);
      expect(column.slice(...forced)).toEqual([0, 0, 0]);
      expect(column.filter((value) => value === 0)).toHaveLength(3);
    }
  }
  // The reference is the policy itself, and no weight has moved by more than rounding.
  if (algorithm === 'grpo') {
    expect(metrics['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    expect(Math.abs(metrics.kl!)).toBeLessThan(1e-9);
  }
  if (algorithm === 'ppo') expect(Math.abs(metrics['objective/kl']!)).toBeLessThan(1e-5);
  trainer.destroy();
  policy.destroy();
});
