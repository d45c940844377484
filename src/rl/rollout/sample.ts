/** Samples completions of any number of prompts, in batches that fit into memory. */
import { Decoder } from '../../model/decoder.ts';
import { limitsThatFit } from '../../model/decoder-fit.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { rollOut, tokenizePrompts, type RolloutGroup, type RolloutOptions } from './rollout.ts';

/** Sampling from the model's own probabilities, without a filter. */
export const UNFILTERED = { topK: 0, topP: 1, minP: 0 } as const;

/** Largest number of sequences that are sampled at once. */
const BATCH = 256;

/**
 * Sample i of prompt p draws from random stream firstStream + p * samplesPerPrompt + i of the seed. `onProgress`
 * is called every few tokens; a prompt that is half written counts half.
 */
export async function sampleCompletions(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  options: RolloutOptions,
  onProgress?: (promptsDone: number) => void,
  firstStream = 0,
): Promise<RolloutGroup[]> {
  const { samplesPerPrompt, sampling } = options;
  const tokenized = tokenizePrompts(tokenizer, prompts, options);
  const most = Math.min(prompts.length, Math.max(1, Math.floor(BATCH / samplesPerPrompt)));
  const { prompts: atOnce, limits } = limitsThatFit(model, most, {
    longest: Math.max(...tokenized.map(({ promptIds }) => promptIds.length)),
    ...{ samplesPerPrompt, maxNewTokens: sampling.maxNewTokens },
  });
  const decoder = await Decoder.create(model, limits);
  try {
    const groups: RolloutGroup[] = [];
    for (let first = 0; first < prompts.length; first += atOnce) {
      const batch = tokenized.slice(first, first + atOnce);
      const written = await rollOut(
        decoder,
        tokenizer,
        batch,
        options,
        firstStream + first * samplesPerPrompt,
        (share) => onProgress?.(Math.floor(first + share * batch.length)),
      );
      groups.push(...written);
      onProgress?.(groups.length);
    }
    return groups;
  } finally {
    decoder.destroy();
  }
}
