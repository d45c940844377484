/**
 * Whether a row of data fits the lengths of a recipe, so that a run says it before its first step. Rows
 * are measured as training encodes them: a prompt and its completion together may make other tokens
 * than each alone.
 */
import { groupSize } from '../../model/batch.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import type { PreferenceGroup, Prompt, SftExample } from '../../rl/data/dataset.ts';
import { batchLimits, type Recipe } from '../../rl/recipe/recipe.ts';
import { rewardModelTokens } from '../../rl/rewards/reward-model.ts';
import { promptTokens } from '../../rl/rollout/rollout.ts';
import { turnEnd } from '../../rl/rollout/stop-tokens.ts';
import { pairLimits } from '../../rl/trainers/dpo-trainer.ts';
import { tokenPairs } from '../../rl/trainers/pair-groups.ts';
import { exampleTokens } from '../../rl/trainers/sft-trainer.ts';
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
  // A world's prompts cannot be changed.
  const others = recipe.world ? '' : ', or shorten or remove the row';
  const stop = turnEnd(tokenizer, config.eosTokenIds);
  const tooLong = (what: string, length: number, key: string, most: number): string | undefined =>
    length <= most
      ? undefined
      : `${what} has ${length} tokens, more than ${key} (${most}); raise ${key}${others}`;
  const inContext = (prompt: number, completion: number): string | undefined =>
    prompt + completion <= config.maxPositions
      ? undefined
      : `the prompt has ${prompt} tokens, which with ${completion} of a completion ` +
        `(max_completion_length) are more than the model's max_position_embeddings ` +
        `(${config.maxPositions}); lower max_completion_length${others}`;
  const inBatch = (what: string, tokens: number, most: number): string | undefined =>
    tokens <= most
      ? undefined
      : `${what} have ${tokens} tokens, more than fit in a batch (${most}); raise ` +
        'per_device_train_batch_size, or shorten or remove the row';
  return {
    prompt({ prompt }) {
      const { length } = promptTokens(tokenizer, prompt, thinking, system_prompt);
      return (
        tooLong('the prompt', length, 'max_prompt_length', max_prompt_length) ??
        inContext(length, max_completion_length)
      );
    },
    demonstration(example) {
      const { prompt, completions } = exampleTokens(example, tokenizer, stop, recipe);
      return tooLong('the row', prompt.length + longest(completions), 'max_length', max_length);
    },
    judgedPair({ prompt, responses }) {
      const texts = responses.map((response) => ({ prompt, response }));
      const group = rewardModelTokens(tokenizer, texts, config.padTokenId);
      const { rows } = groupSize(group, 'score');
      return (
        tooLong(
          'the longest response with its prompt',
          group.prompt.length + longest(group.completions),
          'max_length',
          max_length,
        ) ?? inBatch('the prompt and all its responses', rows, batchLimits(recipe).maxTokens)
      );
    },
    writtenPair(pair) {
      const [group] = tokenPairs([pair], tokenizer, stop, recipe);
      const { prompt, completions } = group!;
      const { targets } = groupSize(group!, 'completion');
      return (
        tooLong('the prompt', prompt.length, 'max_prompt_length', max_prompt_length) ??
        tooLong(
          'a completion',
          longest(completions),
          'max_completion_length',
          max_completion_length,
        ) ??
        inBatch('all its responses', targets, pairLimits(recipe, false).maxTargets)
      );
    },
  };
}

const longest = (sequences: readonly (readonly number[])[]): number =>
  Math.max(...sequences.map(({ length }) => length));
