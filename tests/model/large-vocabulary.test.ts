/**
 * A vocabulary of 262,144 on the smallest limits of WebGPU: bindings of 128 MiB and 65,535 workgroups
 * an axis. The programs of Gemma 3 270m are written down without a device.
 */
import { describe, expect, it } from 'vitest';
import type { Op } from '../../src/gpu/kernel.ts';
import { MemoryPlan } from '../../src/gpu/memory.ts';
import { KERNELS_FOR } from '../../src/gpu/variants.ts';
import { allocateOptimizer } from '../../src/model/adamw.ts';
import { planBatch } from '../../src/model/batch-runner.ts';
import { parseConfig } from '../../src/model/config.ts';
import { planDecoder } from '../../src/model/decoder-plan.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import { PROJECTIONS } from '../../src/model/peft.ts';

/** With two layers in place of 18, one of each kind. */
const GEMMA = parseConfig(
  {
    architectures: ['Gemma3ForCausalLM'],
    model_type: 'gemma3_text',
    ...{ vocab_size: 262144, hidden_size: 640, intermediate_size: 2048, head_dim: 256 },
    ...{ num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 1 },
    ...{ sliding_window: 512, layer_types: ['sliding_attention', 'full_attention'] },
  },
  'gemma',
);
const LIMIT = 2 ** 27;
const TOKENS = 512;
const SEQUENCES = 16;

const dims = {
  ...{ tokens: TOKENS, pairs: 0, targets: TOKENS, idOwners: TOKENS, rowOwners: TOKENS },
  inverseTemperature: 1,
};
const sampling = { temperature: 1, topK: 50, topP: 0.9, minP: 0, seed: 1, maxNewTokens: 64 };

function expectWithinLimits<D>(ops: readonly Op<D>[], at: D): void {
  expect(ops.length).toBeGreaterThan(20);
  for (const op of ops) {
    const most = Math.max(...op.grid(at).map((groups) => groups ?? 1));
    expect(most, op.label).toBeLessThanOrEqual(65535);
    for (const { byteLength } of op.bindings)
      expect(byteLength, op.label).toBeLessThanOrEqual(LIMIT);
  }
}

describe.each(Object.entries(KERNELS_FOR))('%s kernels', (_, variants) => {
  const lora = { task: 'CAUSAL_LM', r: 8, alpha: 16, targets: PROJECTIONS } as const;
  const storage = { layers: 'bf16', tables: 'bf16' } as const;

  it.each([
    ['all weights', {}],
    ['an adapter', { lora, storage }],
  ])('train %s', (_, options) => {
    const plan = new MemoryPlan(LIMIT, variants);
    const model = LanguageModel.allocate(plan, GEMMA, options);
    const { gradients } = allocateOptimizer(model);
    const limits = { maxTokens: TOKENS, maxTargets: TOKENS };
    const { forward, backward } = planBatch(model, limits, gradients);
    expectWithinLimits(forward, dims);
    expectWithinLimits(backward, dims);
    expect(plan.largest).toBeLessThanOrEqual(LIMIT);
    const pieces = model.weights.pieces('embedding');
    expect(pieces).toHaveLength('lora' in options ? 3 : 6);
    // Whole tiles of a product, but for the last piece.
    expect(pieces.every(({ firstRow }) => firstRow % 64 === 0)).toBe(true);
  });

  it.each([1, 4, SEQUENCES])('write %i sequences', (tokens) => {
    const plan = new MemoryPlan(LIMIT, variants);
    const model = LanguageModel.allocate(plan, GEMMA, { storage });
    const limits = { maxSequences: SEQUENCES, maxPromptTokens: TOKENS, maxNewTokens: 64 };
    const { prefillOps, decodeOps } = planDecoder(model, limits);
    expectWithinLimits(prefillOps, { ...dims, cached: TOKENS, windowPairs: 0 });
    expectWithinLimits(decodeOps, { tokens, pairs: 0, step: 3, sampling });
    expect(plan.largest).toBeLessThanOrEqual(LIMIT);
  });

  it('write with one binding for the whole table', () => {
    const plan = new MemoryPlan(2 ** 31, variants);
    const model = LanguageModel.allocate(plan, GEMMA);
    const limits = { maxSequences: SEQUENCES, maxPromptTokens: TOKENS, maxNewTokens: 64 };
    const { decodeOps } = planDecoder(model, limits);
    for (const op of decodeOps) {
      const grid = op.grid({ tokens: 4, pairs: 0, step: 3, sampling });
      expect(Math.max(...grid.map((groups) => groups ?? 1)), op.label).toBeLessThanOrEqual(65535);
    }
  });
});

it('keeps no more of a sequence in the cache of a layer than its window sees', () => {
  const cacheBytes = (maxNewTokens: number): number => {
    const plan = new MemoryPlan(2 ** 31);
    const model = LanguageModel.allocate(plan, GEMMA, {
      storage: { layers: 'bf16', tables: 'bf16' },
    });
    planDecoder(model, { maxSequences: SEQUENCES, maxPromptTokens: 100, maxNewTokens });
    return plan.ledger.kv;
  };
  // Rows of k | v of 256 numbers each: within the window in both layers, beyond it in one.
  const row = 4 * 2 * 256;
  expect(cacheBytes(512) - cacheBytes(256)).toBe(2 * SEQUENCES * 256 * row);
  expect(cacheBytes(1024) - cacheBytes(512)).toBe(SEQUENCES * 512 * row);
});
