/** Forms of tokenizer.json that no golden file has; the ids are those of the library tokenizers 0.23.3. */
import { describe, expect, it } from 'vitest';
import type { AddedToken } from './added-tokens.ts';
import { TextTokenizer } from './text-tokenizer.ts';

type Json = Record<string, unknown>;

const WORDS = ['<unk>', 'a', 'b', 'w', 'o', 'r', 'd', ' ', 'wo', 'word', ' w'];
const vocab = Object.fromEntries(WORDS.map((word, id) => [word, id]));
const bytePairs: Json = { type: 'BPE', unk_token: '<unk>', vocab, merges: [['w', 'o']] };
const wordPieces: Json = {
  ...{ type: 'WordPiece', unk_token: '<unk>', continuing_subword_prefix: '##' },
  ...{ max_input_chars_per_word: 100, vocab: { '<unk>': 0, a: 1, '##b': 2, '##a': 3, b: 4 } },
};

const added = (content: string, id: number, flags: Partial<AddedToken> = {}): AddedToken => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false },
  ...{ normalized: false, special: false, ...flags },
});

const tokenizer = (json: Json): TextTokenizer =>
  new TextTokenizer({
    ...{ normalizer: null, pre_tokenizer: null, decoder: { type: 'Fuse' } },
    ...{ model: bytePairs, ...json },
  });

const ids = (json: Json, text: string): unknown[] =>
  tokenizer(json)
    .encode(text)
    .map(({ id }) => id);

const words = { type: 'WhitespaceSplit' };

describe('added tokens', () => {
  it.each<[string, AddedToken[], string, number[]]>([
    [
      'of spaces that take the spaces after them',
      [added('  ', 11, { rstrip: true })],
      'a    b',
      [1, 11, 11, 2],
    ],
    [
      'of spaces after one that takes them',
      [added('  ', 11), added('R', 12, { rstrip: true })],
      'R  b',
      [12, 11, 2],
    ],
    [
      'of spaces that take both sides',
      [added('  ', 11, { lstrip: true, rstrip: true })],
      'a    b',
      [1, 11, 2],
    ],
    [
      'in normalised text, after the others',
      [added('  ', 11, { normalized: true }), added('L', 12, { lstrip: true })],
      'a  L b',
      [1, 12, 7, 2],
    ],
  ])('%s', (_, added_tokens, text, expected) => {
    expect(ids({ added_tokens }, text)).toEqual(expected);
  });

  it('are no words of the model', () => {
    const single = { single_word: true };
    const pieces = {
      model: wordPieces,
      pre_tokenizer: words,
      added_tokens: [added('ab', 5, single)],
    };
    expect(ids(pieces, 'ab aba ab')).toEqual([5, 1, 2, 3, 5]);
    const whole = {
      model: { ...bytePairs, ignore_merges: true },
      ...{ pre_tokenizer: words, added_tokens: [added('ba', 11, single)] },
    };
    expect(ids(whole, 'ba bab')).toEqual([11, 2, 1, 2]);
    const added_tokens = [added('word', 5, { lstrip: true }), added('new', 11)];
    expect(tokenizer({ added_tokens }).id('new')).toBe(11);
    expect(tokenizer({ added_tokens }).token(11)).toBe('new');
  });
});

it('a replacement is taken literally', () => {
  const model = { ...bytePairs, vocab: { ...vocab, $: 20, '&': 21 } };
  const normalizer = { type: 'Replace', pattern: { String: 'x' }, content: '$&' };
  expect(ids({ model, normalizer }, 'axb')).toEqual([1, 20, 21, 2]);
  const sequence = { type: 'Sequence', normalizers: [normalizer] };
  expect(ids({ model, normalizer: sequence }, 'axb')).toEqual([1, 20, 21, 2]);
});

it('a word after what the normalizer removes is not the first', () => {
  const pre_tokenizer = {
    type: 'Metaspace',
    replacement: 'w',
    prepend_scheme: 'first',
    split: false,
  };
  const normalizer = { type: 'Strip', strip_left: true, strip_right: false };
  expect(ids({ pre_tokenizer, normalizer }, 'ab')).toEqual([3, 1, 2]);
  expect(ids({ pre_tokenizer, normalizer }, ' ab')).toEqual([1, 2]);
});

it('a text is cut at a delimiter', () => {
  const pre_tokenizer = { type: 'CharDelimiterSplit', delimiter: 'b' };
  expect(ids({ pre_tokenizer }, 'abwo bab')).toEqual([1, 8, 7, 1]);
});

it('white space in a pattern of a decoder is that of the library', () => {
  const model = { ...bytePairs, vocab: { '\ufeff': 0, '\x85': 1, ' ': 2 }, merges: [] };
  const spaces = { type: 'Replace', pattern: { Regex: '\\s' }, content: '_' };
  expect(tokenizer({ model, decoder: spaces }).decode([0, 1, 2])).toBe('\ufeff__');
});

it.each([
  [{ continuing_subword_prefix: '##' }, 'continuing_subword_prefix of BPE is not computed'],
  [{ end_of_word_suffix: '</w>', unk_token: null }, 'end_of_word_suffix of BPE without unk_token'],
])('refuses a model with %j', (fields, sentence) => {
  expect(() => tokenizer({ model: { ...bytePairs, ...fields } })).toThrow(sentence);
});
