/**
 * Rollouts: prompts in, groups of sampled completions out, each split into thought and response.
 */
import type { SamplingOptions } from '../../model/decoder-ops.ts';
import type { Decoder, Generation } from '../../model/decoder.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { splitCompletion, type Malformed, type SplitCompletion } from './completion.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { promptText } from './thinking-template.ts';

export interface RolloutSample extends Generation, SplitCompletion {
  /** The completion as text, without the stop token. */
  text: string;
}

export interface RolloutGroup {
  prompt: string;
  promptIds: number[];
  samples: RolloutSample[];
}

export interface RolloutOptions {
  samplesPerPrompt: number;
  thinking: boolean;
  /** In place of the built-in request to think. */
  systemPrompt?: string | undefined;
  malformed: Malformed;
  sampling: SamplingOptions;
}

/** What of a recipe says how completions are written. */
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
>;

/** How a recipe's completions are written, in training and when it is judged. */
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

/** The ids the policy continues from. */
export function promptTokens(
  tokenizer: Tokenizer,
  prompt: string,
  thinking: boolean,
  systemPrompt?: string,
): number[] {
  return tokenizer.encode(promptText(tokenizer, prompt, thinking, systemPrompt));
}

/** `firstStream` numbers the random streams: sequence i of this call draws from firstStream + i. */
export async function rollOut(
  decoder: Decoder,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  options: RolloutOptions,
  firstStream: number,
  onProgress?: (share: number, written: Generation[][]) => void,
): Promise<RolloutGroup[]> {
  const { thinking, systemPrompt } = options;
  const promptIds = prompts.map((prompt) =>
    promptTokens(tokenizer, prompt, thinking, systemPrompt),
  );
  const count = prompts.length * options.samplesPerPrompt;
  const streams = Uint32Array.from({ length: count }, (_, i) => firstStream + i);
  const groups = await decoder.generate(
    promptIds,
    options.samplesPerPrompt,
    options.sampling,
    streams,
    onProgress,
  );
  return prompts.map((prompt, p) => ({
    prompt,
    promptIds: promptIds[p] as number[],
    samples: (groups[p] as Generation[]).map((generation) => {
      const ids = generation.finished ? generation.ids.slice(0, -1) : generation.ids;
      const text = tokenizer.decode(ids);
      return { ...generation, text, ...splitCompletion(text, thinking, options.malformed) };
    }),
  }));
}
