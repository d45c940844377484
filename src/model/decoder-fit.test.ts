import { expect, it } from 'vitest';
import { CONFIGS } from '../../tests/random-model.ts';
import { MemoryPlan } from '../gpu/memory.ts';
import { limitsThatFit } from './decoder-fit.ts';
import { planDecoder } from './decoder-plan.ts';
import { LanguageModel } from './language-model.ts';

const MiB = 2 ** 20;
const sizes = { longest: 260, samplesPerPrompt: 1, maxNewTokens: 128 };

/** A model of 30 layers, as on a device with this limit. */
function model(maxBinding: number, layers = 30): LanguageModel<MemoryPlan> {
  const [config] = Object.values(CONFIGS);
  const wide = {
    hiddenSize: 576,
    intermediateSize: 1536,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    layers,
  };
  return LanguageModel.allocate(new MemoryPlan(maxBinding), { ...config!, ...wide });
}

function planned(
  of: LanguageModel<MemoryPlan>,
  limits: Parameters<typeof planDecoder>[1],
): MemoryPlan {
  const plan = new MemoryPlan(of.gpu.maxBinding);
  planDecoder(of.countedBy(plan), limits);
  return plan;
}

it('takes as many prompts as the device binds in one piece', () => {
  const small = model(128 * MiB, 2);
  const { prompts, limits } = limitsThatFit(small, 114, sizes);
  expect(prompts).toBeLessThan(114);
  expect(planned(small, limits).largest).toBeLessThanOrEqual(128 * MiB);
  const twice = { ...limits, maxSequences: 2 * prompts, maxPromptTokens: 2 * prompts * 260 };
  expect(planned(small, twice).largest).toBeGreaterThan(128 * MiB);
  expect(limitsThatFit(model(2048 * MiB, 2), 114, sizes).prompts).toBe(114);
});

it('takes no more memory than a card surely has left', () => {
  const large = model(2048 * MiB);
  const { prompts, limits } = limitsThatFit(large, 256, sizes);
  expect(prompts).toBeLessThan(256);
  expect(planned(large, limits).total).toBeLessThanOrEqual(1e9);
});

it('takes one prompt where nothing fits, so that the device names what is missing', () => {
  const long = { longest: 100_000, samplesPerPrompt: 4, maxNewTokens: 128 };
  const { prompts, limits } = limitsThatFit(model(2048 * MiB), 8, long);
  expect(prompts).toBe(1);
  expect(limits).toEqual({ maxSequences: 4, maxPromptTokens: 100_000, maxNewTokens: 128 });
});

it('ends without prompts too', () => {
  expect(limitsThatFit(model(2048 * MiB, 1), 0, { ...sizes, longest: -Infinity }).prompts).toBe(0);
});
