/** A model of 8 billion parameters in a tab, by its plan: no device is needed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/gpu/activations.ts';
import { MemoryPlan } from '../../../src/gpu/memory.ts';
import { allocateOptimizer, stepOps } from '../../../src/model/adamw.ts';
import { planBatch } from '../../../src/model/batch-runner.ts';
import { planDecoder } from '../../../src/model/decoder-plan.ts';
import { LanguageModel } from '../../../src/model/language-model.ts';
import { SafetensorsFile } from '../../../src/model/safetensors.ts';
import { adamwOptions, loraConfig } from '../../../src/rl/recipe/recipe.ts';
import { rolloutLimits, updateLimits } from '../../../src/rl/trainers/rollout-writer.ts';
import { LEAST_BINDING, USUAL_BINDING } from '../limits/limits.ts';
import { root } from '../../install.mjs';
import { randomWeights } from './random-folder.ts';
import type { Result } from './result.ts';
import { llama8b, planStep, recipeOf } from './step.ts';

const config = llama8b(32);
// With more rows, gate and up [rows, 28672] are larger than the smallest binding.
const recipe = recipeOf({ prompt: 256, completion: 192, group: 4 });
const GB = 1e9;

describe('Llama 3.1 8B, an adapter over int4', () => {
  it.each([USUAL_BINDING, LEAST_BINDING])(
    'is planned for bindings of %d bytes: 6.6 GB of weights, 0.7 GB of training',
    (maxBinding) => {
      const { ledger, largest } = planStep(config, recipe, maxBinding);
      expect(largest).toBeLessThanOrEqual(maxBinding);
      // 7.0 billion numbers of 5 bits, twice 0.53 billion of 16, and an adapter of 42 million.
      expect(ledger.weights / GB).toBeCloseTo((6.98 * 5) / 8 + 2.1 + 0.168, 1);
      expect(ledger.gradients / GB).toBeCloseTo(0.168, 2);
      expect(ledger.moments / GB).toBeCloseTo(0.336, 2);
      // Keys and values of 1024 numbers a layer, of a prompt and four completions.
      expect(ledger.kv).toBe(32 * 4 * 2 * 1024 * (256 + 4 * 192));
    },
  );

  it.each([USUAL_BINDING, LEAST_BINDING])(
    'has no launch that a device with bindings of %d bytes refuses',
    (maxBinding) => {
      const plan = new MemoryPlan(maxBinding);
      const storage = { layers: 'int4', tables: 'bf16' } as const;
      const model = LanguageModel.allocate(plan, config, { storage, lora: loraConfig(recipe)! });
      const optimizer = allocateOptimizer(model);
      const update = planBatch(model, updateLimits(recipe), optimizer.gradients);
      const { maxTokens, maxTargets } = updateLimits(recipe);
      const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 192 };
      const decoder = planDecoder(model, rolloutLimits(recipe));
      const dims = {
        tokens: maxTokens,
        targets: maxTargets,
        ...{ idOwners: maxTokens, rowOwners: maxTargets, inverseTemperature: 1 },
        ...{ learningRate: 1, biasCorrection1: 1, biasCorrection2: 1 },
      };
      const prompts = { tokens: 256, cached: 256, pairs: 0, windowPairs: 0 };
      const decode = { tokens: 4, step: 191, sampling };
      const checked = [
        ...[...update.forward, ...update.backward].map((op) => ({
          op,
          values: op.params(dims),
          grid: op.grid(dims),
        })),
        ...decoder.prefillOps.map((op) => ({
          op,
          values: op.params(prompts),
          grid: op.grid(prompts),
        })),
        ...decoder.decodeOps.map((op) => ({
          op,
          values: op.params(decode),
          grid: op.grid(decode),
        })),
        ...stepOps(model, adamwOptions(recipe), optimizer).map((op) => ({
          op,
          values: op.params(dims),
          grid: op.grid(dims),
        })),
      ];
      const refused = checked.filter(({ op, values, grid }) => {
        const types = Object.values(op.kernel.params);
        const u32 = (x: number): boolean => Number.isInteger(x) && x >= 0 && x < 2 ** 32;
        return (
          grid.some((n) => n !== undefined && n > 65535) ||
          values.some((x, i) => types[i] === 'u32' && !u32(x)) ||
          op.bindings
            .map(viewOf)
            .some(
              ({ byteOffset, byteLength, buffer }) =>
                byteLength > maxBinding ||
                byteOffset % 256 !== 0 ||
                byteOffset + byteLength > buffer.size,
            )
        );
      });
      expect(checked.length).toBeGreaterThan(1000);
      expect(refused.map(({ op }) => op.label)).toEqual([]);
    },
  );

  it('is loaded in pieces of 8 MB from a file of 16 GB', async () => {
    const source = randomWeights('llama', config);
    expect(source.size / GB).toBeCloseTo(16.06, 2);
    const file = await SafetensorsFile.open(source);
    // The last tensor begins beyond 2^33.
    const parts = file.parts('lm_head.weight');
    for await (const { data } of parts) {
      expect(data.byteLength).toBe(2 ** 23);
      break;
    }
    const norm = await file.read('model.norm.weight');
    expect([...new Set(norm)]).toEqual([1]);
  });
});

describe('results/scaling/llama-8b.json', () => {
  const path = `${root}/results/scaling/llama-8b.json`;
  const results = JSON.parse(readFileSync(path, 'utf8')) as Result[];

  it('has the step of all layers, and on the device the bytes that were planned for its kernels', () => {
    expect(results.map(({ layers }) => layers)).toContain(32);
    for (const { device, plan } of results) expect(device).toEqual(plan);
  });

  it('was planned as it would be now, within 1%', () => {
    for (const { layers, group, completion, maxBinding, kernels, plan } of results) {
      const own = recipeOf({ prompt: 8, completion, group });
      const { ledger } = planStep(llama8b(layers), own, maxBinding, kernels);
      for (const [lifetime, bytes] of Object.entries(ledger)) {
        const then = plan[lifetime as keyof typeof plan];
        expect(Math.abs(then - bytes), lifetime).toBeLessThanOrEqual(0.01 * bytes);
      }
    }
  });
});
