/** What transformers 5.24 makes of added tokens: the ids and flags are those of its AutoTokenizer. */
import { describe, expect, it } from 'vitest';
import type { AddedToken } from './added-tokens.ts';
import { asTransformers } from './as-transformers.ts';
import type { SpecialToken } from './special-tokens.ts';

type Json = Record<string, unknown>;

const words = { type: 'WordLevel', unk_token: 'a', vocab: { a: 0, b: 1, '</s>': 2, '<pad>': 3 } };
const end: AddedToken = {
  ...{ id: 2, content: '</s>', single_word: false, lstrip: false, rstrip: false },
  ...{ normalized: false, special: false },
};

function addedTokens(
  json: Json,
  named: Record<string, SpecialToken>,
  extra: SpecialToken[] = [],
  config: Json = {},
  added: Json = {},
): AddedToken[] {
  const special = { named: new Map(Object.entries(named)), extra };
  return asTransformers({ json, config, added, special, kind: undefined })
    .added_tokens as AddedToken[];
}

describe('an added token without the flag special', () => {
  const json = { model: words, added_tokens: [end] };
  const isSpecial = (
    ...[named, extra, config]: [Record<string, SpecialToken>, SpecialToken[]?, Json?]
  ) => addedTokens(json, named, extra, config).find(({ id }) => id === 2)!.special;

  it('is special if a file names it', () => {
    expect(isSpecial({ eos_token: '</s>' })).toBe(true);
    expect(isSpecial({ eos_token: '</s>', pad_token: '<new>' })).toBe(true);
    const added_tokens_decoder = { 2: end };
    expect(isSpecial({ eos_token: '</s>' }, [], { added_tokens_decoder })).toBe(true);
  });

  it('is not if none does, or only the list without names', () => {
    expect(isSpecial({})).toBe(false);
    expect(isSpecial({}, ['</s>'])).toBe(false);
  });
});

it('a new token comes after a vocabulary that has a token twice', () => {
  const vocab = [
    ['<unk>', 0],
    ['a', -1],
    ['a', -2],
  ];
  const json = { model: { type: 'Unigram', unk_id: 0, vocab }, added_tokens: [] };
  const [token] = addedTokens(json, { eos_token: '</s>' });
  expect(token).toMatchObject({ content: '</s>', id: 3 });
});

it('of added_tokens.json, only the names of every model are looked for in the text as it is written', () => {
  const json = { model: words, added_tokens: [] };
  const flags = (named: Record<string, SpecialToken>): unknown =>
    addedTokens(json, named, [], {}, { '<x>': 4 }).find(({ content }) => content === '<x>');
  expect(flags({ image_token: '<x>' })).toMatchObject({ normalized: true, special: true });
  expect(flags({ eos_token: '<x>' })).toMatchObject({ normalized: false, special: true });
  expect(flags({})).toMatchObject({ normalized: true, special: false });
});
