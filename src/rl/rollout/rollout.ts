/**
 * Rollouts: prompts in, groups of sampled completions out, each split into thought and response.
 */
import type { SamplingOptions } from '../../model/decoder-ops.ts';
import type { Decoder, Generation } from '../../model/decoder.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { splitCompletion, type Malformed, type SplitCompletion } from './completion.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { tokenizerStops } from './stop-tokens.ts';
import { policyText } from './thinking-template.ts';
import { thoughtEnd } from './thought-end.ts';

export interface RolloutSample extends Generation, SplitCompletion {
  /** The completion as text, without the stop token. */
  text: string;
}

/** A prompt, and the ids that the policy continues from. */
export interface TokenizedPrompt {
  prompt: string;
  promptIds: number[];
}

export interface RolloutGroup extends TokenizedPrompt {
  samples: RolloutSample[];
}

export interface RolloutOptions {
  samplesPerPrompt: number;
  thinking: boolean;
  /** Replaces the built-in request to think. */
  systemPrompt?: string | undefined;
  malformed: Malformed;
  /** Tokens after which a thought is closed; 0 never closes one. */
  maxThoughtLength?: number;
  sampling: SamplingOptions;
}

/** The recipe keys that control how completions are sampled. */
export type Writing = Pick<
  Recipe,
  | 'thinking'
  | 'system_prompt'
  | 'malformed'
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'max_completion_length'
  | 'max_thought_length'
>;

/** The sampling options of a recipe, in training and in evaluations. */
export function rolloutOptions(
  recipe: Writing,
  samplesPerPrompt: number,
  seed: number,
): RolloutOptions {
  return {
    samplesPerPrompt,
    thinking: recipe.thinking,
    systemPrompt: recipe.system_prompt,
    malformed: recipe.malformed,
    maxThoughtLength: recipe.max_thought_length,
    sampling: {
      temperature: recipe.temperature,
      topK: recipe.top_k,
      topP: recipe.top_p,
      minP: recipe.min_p,
      seed,
      maxNewTokens: recipe.max_completion_length,
    },
  };
}

/** The ids of the prompt that the policy continues. */
export function promptTokens(
  tokenizer: Tokenizer,
  prompt: string,
  thinking: boolean,
  systemPrompt?: string,
): number[] {
  return tokenizer.encodePrompt(policyText(tokenizer, prompt, thinking, systemPrompt));
}

/**
 * A prompt with completions that were written elsewhere, encoded together, as TRL's SFT and DPO do: a
 * completion begins where the ids of the texts part from those of the prompt alone. Where the prompt's
 * last characters and the completion's first make one token, the prompt ends before them.
 * @returns the completions without a stop token
 */
export function promptWithCompletions(
  tokenizer: Tokenizer,
  prompt: string,
  completions: readonly string[],
  thinking: boolean,
  systemPrompt?: string,
): { prompt: number[]; completions: number[][] } {
  const text = policyText(tokenizer, prompt, thinking, systemPrompt);
  const alone = tokenizer.encodePrompt(text);
  const together = completions.map((completion) => tokenizer.encodePrompt(text + completion));
  const shared = Math.min(
    alone.length,
    ...together.map((ids) => ids.findIndex((id, i) => id !== alone[i])).filter((at) => at >= 0),
    ...together.map((ids) => ids.length),
  );
  // Nothing can be predicted before the first token.
  if (shared === 0) {
    return { prompt: alone, completions: completions.map((text) => tokenizer.encode(text)) };
  }
  return {
    prompt: alone.slice(0, shared),
    completions: together.map((ids) => ids.slice(shared)),
  };
}

/** Prompts as `rollOut` takes them, by the same options. */
export function tokenizePrompts(
  tokenizer: Tokenizer,
  prompts: readonly string[],
  { thinking, systemPrompt }: RolloutOptions,
): TokenizedPrompt[] {
  return prompts.map((prompt) => ({
    prompt,
    promptIds: promptTokens(tokenizer, prompt, thinking, systemPrompt),
  }));
}

/** `firstStream` numbers the random streams: sequence i of this call draws from firstStream + i. */
export async function rollOut(
  decoder: Decoder,
  tokenizer: Tokenizer,
  prompts: readonly TokenizedPrompt[],
  options: RolloutOptions,
  firstStream: number,
  onProgress?: (share: number, written: Generation[][]) => void,
): Promise<RolloutGroup[]> {
  const count = prompts.length * options.samplesPerPrompt;
  const streams = Uint32Array.from({ length: count }, (_, i) => firstStream + i);
  const groups = await decoder.generate(
    prompts.map(({ promptIds }) => promptIds),
    options.samplesPerPrompt,
    {
      ...options.sampling,
      stopIds: tokenizerStops(tokenizer),
      thoughtEnd: thoughtEnd(tokenizer, options.thinking, options.maxThoughtLength ?? 0),
    },
    streams,
    onProgress,
  );
  return prompts.map((prompt, p) => ({
    ...prompt,
    samples: (groups[p] as Generation[]).map((generation) => {
      const ids = generation.finished ? generation.ids.slice(0, -1) : generation.ids;
      const text = tokenizer.decode(ids);
      return { ...generation, text, ...splitCompletion(text, options.thinking, options.malformed) };
    }),
  }));
}
