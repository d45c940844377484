/** Rows are measured as training encodes them, where characters of prompt and completion can make one token. */
import { describe, expect, it } from 'vitest';
import { CONFIGS } from '../../../tests/random-model.ts';
import { config as tokenizerConfig, load, tokenizerJson } from '../../../tests/small-tokenizer.ts';
import type { PreferenceGroup } from '../../rl/data/dataset.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { tokenPairs } from '../../rl/trainers/pair-groups.ts';
import { exampleTokens } from '../../rl/trainers/sft-trainer.ts';
import { rowChecks } from './row-lengths.ts';

const { model } = tokenizerJson;
/** "ab" is one token, and so are "da" and "bc" where "ab" takes none of their letters. */
const tokenizer = await load({
  'tokenizer.json': {
    ...tokenizerJson,
    model: { ...model, vocab: { ...model.vocab, da: 11, bc: 12 }, merges: ['a b', 'd a', 'b c'] },
  },
  'tokenizer_config.json': {
    ...{ ...tokenizerConfig, chat_template: '{% for m in messages %}{{ m.content }}{% endfor %}' },
    ...{ add_bos_token: false, bos_token: null },
  },
});
const config = { ...CONFIGS['llama, tied']!, eosTokenIds: [8] };
const recipeOf = (values: Record<string, unknown>) =>
  makeRecipe({
    ...{ model_name_or_path: 'm', thinking: false, max_steps: 1 },
    ...{ datasets: [{ path: 'json', data_files: 'a.jsonl' }], ...values },
  });

describe('a pair of DPO', () => {
  const pair: PreferenceGroup = { prompt: 'ca', responses: ['ccc', 'b'], pairs: [[0, 1]] };
  const check = (max_completion_length: number, max_prompt_length = 9) => {
    const recipe = recipeOf({ algorithm: 'dpo', max_completion_length, max_prompt_length });
    return rowChecks(recipe, tokenizer, config).writtenPair(pair);
  };

  it('whose prompt ends earlier because of one response, which makes the other longer', () => {
    const [group] = tokenPairs([pair], tokenizer, 8, recipeOf({ algorithm: 'dpo' }));
    // "c", then "accc" and "ab", each with the stop token.
    expect(group!.prompt).toHaveLength(1);
    expect(group!.completions.map(({ length }) => length)).toEqual([5, 2]);
    expect(check(5, 1)).toBeUndefined();
    expect(check(4)).toMatch(/^a completion has 5 tokens, more than max_completion_length \(4\)/);
  });
});

it.each([
  // Three responses of two tokens, where a batch has room for two of each prompt.
  ['dpo', { max_completion_length: 2 }, 'all its responses have 6 tokens', 4],
  // The prompt once, and the last token of each response.
  ['reward', { max_length: 2 }, 'the prompt and all its responses have 4 tokens', 2],
] as const)(
  'responses that do not fit in a batch together: %s',
  (algorithm, lengths, sentence, most) => {
    const ranked: PreferenceGroup = { prompt: 'c', responses: ['b', 'd', 'e'], pairs: [[0, 1]] };
    const ask = (per_device_train_batch_size: number) => {
      const recipe = recipeOf({ algorithm, per_device_train_batch_size, ...lengths });
      const checks = rowChecks(recipe, tokenizer, config);
      return algorithm === 'dpo' ? checks.writtenPair(ranked) : checks.judgedPair(ranked);
    };
    expect(ask(1)).toBe(
      `${sentence}, more than fit in a batch (${most}); raise per_device_train_batch_size, ` +
        'or shorten or remove the row',
    );
    expect(ask(2)).toBeUndefined();
  },
);

describe('an example of SFT', () => {
  it.each([
    ['has more tokens than its parts', 'cda', 'bc', 5],
    ['has fewer tokens than its parts', 'ca', 'b', 3],
  ])('%s', (_, prompt, completion, length) => {
    const example = { prompt, completion, thinking: false };
    const check = (max_length: number) =>
      rowChecks(recipeOf({ algorithm: 'sft', max_length }), tokenizer, config).demonstration(
        example,
      );
    const group = exampleTokens(example, tokenizer, 8, recipeOf({ algorithm: 'sft' }));
    expect(group.prompt.length + group.completions[0]!.length).toBe(length);
    expect(check(length)).toBeUndefined();
    expect(check(length - 1)).toMatch(`the row has ${length} tokens, more than max_length`);
  });
});
