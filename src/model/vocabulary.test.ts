import { expect, it } from 'vitest';
import { CheckpointError } from './errors.ts';
import { checkVocabulary } from './vocabulary.ts';

const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };
const added = { id: 3, content: '<eos>', special: true };

function refusal(json: Record<string, unknown>): string {
  try {
    checkVocabulary(json, 'm/tokenizer.json');
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
  return 'accepted';
}

it.each([
  { model, added_tokens: [added] },
  { model: { ...model, merges: [['a', 'b']] } },
  { model: { type: 'Unigram', vocab: [['a', -1.5]] } },
  { model: { type: 'WordLevel', vocab: {} }, added_tokens: [] },
])('%j is a vocabulary', (json) => {
  expect(refusal(json)).toBe('accepted');
});

it.each<[Record<string, unknown>, string]>([
  [{ model: { ...model, vocab: { a: -1 } } }, 'the id of "a" is -1, which no row can have'],
  [{ model: { ...model, vocab: { a: 'x' } } }, 'the id of "a" is "x", which no row can have'],
  [{ model: { ...model, vocab: { a: 0.5 } } }, 'the id of "a" is 0.5, which no row can have'],
  [{ model: { ...model, vocab: { a: 2 ** 52 } } }, 'the id of "a" is 4503599627370496'],
  [{ model: { ...model, vocab: null } }, 'model.vocab is null, and must have the tokens'],
  [
    { model: { ...model, vocab: [['a', 'x']] } },
    'vocab has ["a","x"], which must be [token, score]',
  ],
  [{ model: { ...model, merges: [['a']] } }, 'merges have ["a"], which must be two tokens'],
  [{ model: { ...model, merges: 3 } }, 'merges have 3, which must be two tokens'],
  [{ model, added_tokens: [{ ...added, id: -1 }] }, 'the added token {"id":-1'],
  [
    { model, added_tokens: ['<eos>'] },
    'the added token "<eos>" needs an id from 0 on and a content',
  ],
  [{ model, added_tokens: {} }, 'added_tokens is {}, and must be a list'],
  [{ model: [] }, 'model is [], which is no tokenizer'],
  [{}, 'model is (none), which is no tokenizer'],
])('%j is refused', (json, sentence) => {
  const message = refusal(json);
  expect(message).toMatch(/^m\/tokenizer\.json: .*; use a tokenizer that transformers saved$/);
  expect(message).toContain(sentence);
});
