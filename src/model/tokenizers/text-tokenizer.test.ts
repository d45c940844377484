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

it('a text of many words is read', () => {
  expect(ids({ pre_tokenizer: words }, 'a b '.repeat(100_000))).toHaveLength(200_000);
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

describe('byte pairs', () => {
  /** All bytes but that of z. */
  const byteTokens = Object.fromEntries(
    Array.from({ length: 256 }, (_, byte) => [
      `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
      20 + byte,
    ]).filter(([token]) => token !== '<0x7A>'),
  ) as Record<string, number>;

  it('an unknown token is written after the bytes that follow it', () => {
    const model = { ...bytePairs, vocab: { ...vocab, ...byteTokens }, byte_fallback: true };
    expect(ids({ model }, 'zéa')).toEqual([215, 189, 0, 1]);
    expect(ids({ model }, 'zéz')).toEqual([215, 189, 0, 0]);
    expect(ids({ model }, 'zzéb')).toEqual([0, 215, 189, 0, 2]);
    const fused = { ...model, fuse_unk: true };
    expect(ids({ model: fused }, 'zéz')).toEqual([215, 189, 0]);
    expect(ids({ model: fused }, 'zzéb')).toEqual([215, 189, 0, 2]);
  });

  it('a prefix of all pieces but the first', () => {
    const own = { '<unk>': 0, a: 1, '##b': 2, ab: 3, '##a': 4, '##ba': 5, aba: 6 };
    const merges = [
      ['##b', '##a'],
      ['a', '##b'],
      ['a', '##ba'],
    ];
    const model = { ...bytePairs, continuing_subword_prefix: '##', vocab: own, merges };
    const texts = ['ab', 'aba', 'bab', 'abx'].map((text) => ids({ model }, text));
    expect(texts).toEqual([[3], [6], [0, 4, 2], [3, 0]]);
  });

  it('a suffix of the last piece, without an unknown token', () => {
    const own = { a: 1, 'b</w>': 2, 'ab</w>': 3, b: 4 };
    const merges = [['a', 'b</w>']];
    const suffix = { end_of_word_suffix: '</w>', unk_token: null };
    const model = { ...bytePairs, ...suffix, vocab: own, merges };
    const texts = ['ab', 'abz', 'aab'].map((text) => ids({ model }, text));
    expect(texts).toEqual([[3], [1, 4], [1, 3]]);
  });
});

describe('Unigram', () => {
  const scores = Object.entries({
    ...{ '<unk>': 0, a: -1.1, b: -0.7, c: -0.7, ab: -0.7, bc: -0.3, abc: -2.2, ca: -2.2 },
  });

  it('takes the path that is better before its last token, if rounding makes two paths equal', () => {
    expect(ids({ model: { type: 'Unigram', unk_id: 0, vocab: scores } }, 'abca')).toEqual([
      4, 3, 1,
    ]);
  });

  it('reads a vocabulary that has a token twice', () => {
    const twice = [
      ['<unk>', 0],
      ['a', -1.5],
      ['b', -2.5],
      ['ab', -3.5],
      ['a', -0.5],
    ];
    const model = { type: 'Unigram', unk_id: 0, vocab: twice };
    const texts = ['ab', 'a<unk>b', 'xyab'].map((text) => ids({ model }, text));
    expect(texts).toEqual([
      [4, 2],
      [4, 0, 2],
      [0, 4, 2],
    ]);
    expect(tokenizer({ model }).decode([1, 4, 1])).toBe('aaa');
  });
});

it.each<[Json, string, number[]]>([
  [{ type: 'Lowercase' }, 'aΣ', [3, 1]],
  [{ type: 'Lowercase' }, 'İΣ ', [8, 9, 1, 7]],
  [{ type: 'Strip', strip_left: true, strip_right: true }, '\ufeffa\x85', [4, 3]],
  [{ type: 'Strip', strip_left: true, strip_right: true }, ' a\ufeff', [3, 4]],
  [{ type: 'Strip', strip_left: false, strip_right: true }, ' a ', [7, 3]],
  [
    { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
    'a𠀀aΣ\u0301\x85',
    [3, 7, 6, 7, 3, 1],
  ],
])('the normalizer %j changes %j', (normalizer, text, expected) => {
  const own = ['<unk>', 'σ', 'ς', 'a', '\ufeff', '\x85', '𠀀', ' ', 'i', '\u0307'];
  const model = {
    ...{ type: 'BPE', unk_token: '<unk>', merges: [] },
    vocab: Object.fromEntries(own.map((character, id) => [character, id])),
  };
  expect(ids({ model, normalizer }, text)).toEqual(expected);
});

const lowercase = { type: 'Lowercase' };
const first = { type: 'Metaspace', replacement: 'w', prepend_scheme: 'first' };
const AB = added('AB', 11, { normalized: true });

it.each<[Json, string]>([
  [{ model: { ...bytePairs, dropout: 0.1 } }, 'dropout of BPE, which cuts texts at random'],
  [{ model: { ...bytePairs, merges: [['w', 'q']] } }, 'a merge has "q", which the vocabulary'],
  [{ model: { ...bytePairs, merges: ['w o r'] } }, 'the merge "w o r" does not have two tokens'],
  [
    { normalizer: lowercase, added_tokens: [AB, added('aB', 12, { normalized: true })] },
    'the normalizer makes one text of the added tokens "AB" and "aB"',
  ],
  [
    {
      normalizer: { type: 'Strip', strip_left: true, strip_right: true },
      added_tokens: [added('\n', 11, { normalized: true })],
    },
    'the normalizer leaves nothing of the added token "\\n"',
  ],
  [
    { pre_tokenizer: first, normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }] } },
    'prepend_scheme "first" of Metaspace after the normalizer NFD is not computed',
  ],
  [
    {
      pre_tokenizer: { type: 'Sequence', pretokenizers: [first] },
      normalizer: { type: 'Replace', pattern: { String: 'ab' }, content: 'a' },
    },
    'prepend_scheme "first" of Metaspace after the normalizer Replace is not computed',
  ],
])('refuses %j', (json, sentence) => {
  expect(() => tokenizer(json)).toThrow(sentence);
});

it('added tokens of one text before the normalizer or without it are read', () => {
  const added_tokens = [added('ab', 12), AB];
  expect(ids({ normalizer: lowercase, added_tokens }, 'ab AB')).toEqual([12, 7, 11]);
});
