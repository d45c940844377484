import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../model/config.ts';
import { memoryNeeds } from './fit.ts';
import { formatBytes } from './format.ts';
import { makeRecipe } from '../rl/recipe/recipe.ts';

/** Qwen3-0.6B with fewer layers, because planning a layer takes time. */
const config: ModelConfig = {
  family: 'qwen3',
  kind: 'causal',
  vocabSize: 151936,
  hiddenSize: 1024,
  intermediateSize: 3072,
  layers: 8,
  heads: 16,
  kvHeads: 8,
  headDim: 128,
  rmsNormEps: 1e-6,
  ropeTheta: 1e6,
  maxPositions: 40960,
  tieWordEmbeddings: true,
  qkNorm: 'head',
  eosTokenIds: [151645],
};
const policy = { config, storage: { layers: 'bf16', tables: 'bf16' } } as const;
const values = {
  algorithm: 'grpo',
  model_name_or_path: 'policy',
  reward_model_name_or_path: 'reward',
  world: 'meal-planner',
  per_device_train_batch_size: 32,
};
const withoutReward = { model_name_or_path: 'policy', world: 'meal-planner' };
const PARAMETERS = 281e6;

describe('a model of 0.3 billion parameters', () => {
  const alone = { policy, judges: [] };

  it('needs its weights to run, and twelve bytes more for each trained weight', () => {
    const { run, lora, full } = memoryNeeds(values, alone, { maxBinding: Infinity });
    expect(run.parts.weights / PARAMETERS).toBeCloseTo(2, 1);
    expect(run.parts.training).toBe(0);
    expect(full.parts.training / PARAMETERS).toBeCloseTo(12, 0);
    expect(lora.parts.weights - run.parts.weights).toBeLessThan(0.1 * run.parts.weights);
    expect(lora.parts.work).toBeGreaterThan(run.parts.work);
    for (const need of [run, lora, full]) {
      const { weights, training, work, judges } = need.parts;
      expect(weights + training + work + judges).toBe(need.bytes);
      expect(need.problem).toBeUndefined();
    }
  });

  it('is planned as a reward model too, tied or not', () => {
    const needs = (tieWordEmbeddings: boolean) => {
      const reward: ModelConfig = { ...config, kind: 'reward', layers: 1, tieWordEmbeddings };
      const models = { policy: { ...policy, config: reward }, judges: [] };
      return memoryNeeds(values, models, { maxBinding: Infinity });
    };
    expect(needs(false)).toEqual(needs(true));
  });

  it('fits a smaller card with the suggested changes', () => {
    const card = { memory: 3e9, maxBinding: Infinity };
    const { lora, full } = memoryNeeds(values, alone, card);
    expect(lora.problem).toMatch(/it takes \d\.\d GB, and about 2\.7 GB of the card can be used/);
    expect(lora.changes).toMatchObject({ gradient_checkpointing: true });
    expect(full.changes).toMatchObject({ use_peft: true });
    for (const { changes } of [lora, full]) {
      const changed = memoryNeeds({ ...values, ...changes }, alone, card).lora;
      expect(changed.problem).toBeUndefined();
      // The number of completions per step stays the same.
      const { per_device_train_batch_size: batch, gradient_accumulation_steps: parts } = {
        ...{ ...values, gradient_accumulation_steps: 1 },
        ...(changes as Record<string, number>),
      };
      expect(batch * parts).toBe(32);
    }
  });

  it('gets no suggestion for a card that is too small', () => {
    const { lora } = memoryNeeds(values, alone, { memory: 1e8, maxBinding: Infinity });
    expect(lora.problem).toBeDefined();
    expect(lora.changes).toBeUndefined();
  });

  it('needs a value model too in PPO: another model of its size, or a second adapter on its weights', () => {
    const ppo = { ...values, algorithm: 'ppo' };
    const card = { maxBinding: Infinity };
    const [grpo, both] = [values, ppo].map((of) => memoryNeeds(of, alone, card));
    // GRPO has a policy and a reference; PPO has a value model too.
    expect(both!.full.parts.weights / grpo!.full.parts.weights).toBeCloseTo(1.5, 2);
    expect(both!.lora.parts.weights / grpo!.lora.parts.weights).toBeLessThan(1.1);
  });

  it('shares the card with its judges', () => {
    const card = { maxBinding: Infinity };
    const { run, lora } = memoryNeeds(values, { policy, judges: [policy] }, card);
    const { lora: without } = memoryNeeds(values, alone, card);
    expect(lora.bytes - without.bytes).toBe(lora.parts.judges);
    expect(lora.parts.judges).toBeGreaterThan(2 * PARAMETERS);
    expect(run.parts.judges).toBe(0);
  });

  it('names a buffer that is larger than the card allows', () => {
    const { run, full } = memoryNeeds(values, alone, { maxBinding: 2 ** 23 });
    expect(run.problem).toMatch(
      /gate_proj\.weight and .*up_proj\.weight needs 12\.6 MB in one piece/,
    );
    expect(full.problem).toMatch(/this graphics card takes 8\.39 MB/);
    const { lora } = memoryNeeds(values, alone, { maxBinding: 2 ** 27 });
    expect(lora.problem).toBe(
      `it needs ${formatBytes(largest())} in one piece, and this card takes 134 MB`,
    );
    expect(lora.changes).toBeDefined();
  });
});

/** Bytes of the MLP's hidden layer (gate and up) for all rows of a batch. */
const largest = (): number => 4 * (32 * 256 + (32 / 8) * 512) * 2 * config.intermediateSize;

it.each([
  { ...values, random_init: true },
  { ...withoutReward, algorithm: 'sft' },
  { ...withoutReward, algorithm: 'reward' },
])('any recipe is measured, and can be trained with what is suggested: %j', (recipe) => {
  const small = { ...policy, config: { ...config, layers: 1, vocabSize: 512 } };
  for (const memory of [undefined, 1e6]) {
    const card = { memory, maxBinding: Infinity };
    const { full } = memoryNeeds(recipe, { policy: small, judges: [] }, card);
    expect(full.problem === undefined).toBe(memory === undefined);
    expect(() => makeRecipe({ ...recipe, ...full.changes })).not.toThrow();
  }
});
