/** How many prompts a decoder can continue at once on a device. */
import { MemoryPlan, type Memory } from '../gpu/memory.ts';
import { planDecoder } from './decoder-plan.ts';
import type { DecoderLimits } from './decoder-ops.ts';
import type { LanguageModel } from './language-model.ts';

/**
 * The bytes that the cache and the activations of a decoder may take. No program can find out how much memory a
 * card has; this leaves most of a small one to the weights. Longer batches would hardly be faster.
 */
const MOST_BYTES = 1e9;

export interface PromptSizes {
  /** Tokens of the longest prompt. */
  readonly longest: number;
  readonly samplesPerPrompt: number;
  readonly maxNewTokens: number;
}

/**
 * The limits of a decoder for up to `most` prompts at once: halved until its buffers take at most
 * MOST_BYTES, and each of them fits into one binding of the device; one prompt at least.
 */
export function limitsThatFit(
  model: LanguageModel<Memory>,
  most: number,
  { longest, samplesPerPrompt, maxNewTokens }: PromptSizes,
): { prompts: number; limits: DecoderLimits } {
  for (let prompts = most; ; prompts = Math.ceil(prompts / 2)) {
    const limits = {
      maxSequences: prompts * samplesPerPrompt,
      maxPromptTokens: prompts * longest,
      maxNewTokens,
    };
    if (prompts <= 1 || fits(model, limits)) return { prompts, limits };
  }
}

function fits(model: LanguageModel<Memory>, limits: DecoderLimits): boolean {
  const { maxBinding, variants } = model.gpu;
  const plan = new MemoryPlan(maxBinding, variants);
  planDecoder(model.countedBy(plan), limits);
  return plan.largest <= maxBinding && plan.total <= MOST_BYTES;
}
