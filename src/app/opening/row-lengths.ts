/** Whether a row of data fits the lengths of a recipe, so that a run says it before its first step. */
import type { ModelConfig } from '../../model/config.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import type { PreferenceGroup, Prompt, SftExample } from '../../rl/data/dataset.ts';
import { opened } from '../../rl/data/rows.ts';
import type { Recipe } from '../../rl/recipe/recipe.ts';
import { rewardModelTokens } from '../../rl/rewards/reward-model.ts';
import { promptTokens } from '../../rl/rollout/rollout.ts';
import { turnEnd } from '../../rl/rollout/stop-tokens.ts';
import type { CheckRow } from './data.ts';

export interface RowChecks {
  /** A prompt that a policy continues. */
  prompt: CheckRow<Prompt>;
  demonstration: CheckRow<SftExample>;
  /** A pair that a reward model learns from. */
  judgedPair: CheckRow<PreferenceGroup>;
  /** A pair that DPO learns from. */
  writtenPair: CheckRow<PreferenceGroup>;
}

export function rowChecks(recipe: Recipe, tokenizer: Tokenizer, config: ModelConfig): RowChecks {
  const { max_length, max_prompt_length, max_completion_length, thinking, system_prompt } = recipe;
  const asked = (prompt: string, think = thinking): number =>
    promptTokens(tokenizer, prompt, think, system_prompt).length;
  // The stop token, which follows a completion.
  const stop = turnEnd(tokenizer, config.eosTokenIds) === undefined ? 0 : 1;
  const tokens = (text: string): number => tokenizer.encode(text).length + stop;
  const tooLong = (what: string, length: number, key: string, most: number): string | undefined =>
    length <= most
      ? undefined
      : `${what} has ${length} tokens, more than ${key} (${most}); raise ${key}, or shorten or remove the row`;
  const inContext = (prompt: number, completion: number): string | undefined =>
    prompt + completion <= config.maxPositions
      ? undefined
      : `the prompt has ${prompt} tokens, which with ${completion} of a completion ` +
        `(max_completion_length) are more than the model's max_position_embeddings ` +
        `(${config.maxPositions}); shorten or remove the row, or lower max_completion_length`;
  return {
    prompt({ prompt }) {
      const length = asked(prompt);
      return (
        tooLong('the prompt', length, 'max_prompt_length', max_prompt_length) ??
        inContext(length, max_completion_length)
      );
    },
    demonstration({ prompt, completion, thinking: think }) {
      const length = asked(prompt, think) + tokens(completion);
      return tooLong('the row', length, 'max_length', max_length);
    },
    judgedPair({ prompt, responses }) {
      const texts = responses.map((response) => ({ prompt, response }));
      const group = rewardModelTokens(tokenizer, texts, config.padTokenId);
      const longest = Math.max(...group.completions.map(({ length }) => length));
      return tooLong(
        'the longest response with its prompt',
        group.prompt.length + longest,
        'max_length',
        max_length,
      );
    },
    writtenPair({ prompt, responses }) {
      const longest = Math.max(...responses.map((text) => tokens(opened(text, thinking))));
      return (
        tooLong('the prompt', asked(prompt), 'max_prompt_length', max_prompt_length) ??
        tooLong('a completion', longest, 'max_completion_length', max_completion_length)
      );
    },
  };
}
