/**
 * Words as nltk's word_tokenize finds them (nltk 3.10, tokenize/destructive.py, NLTKWordTokenizer), for
 * counts of words in capitals. nltk first splits the text into sentences, so that a full stop at the end of
 * each is a word of its own; here the whole text is one sentence. A word with its full stop has the same
 * case as without, so the count is the same.
 */
import { nltkPattern as pattern, words } from './python-text.ts';

const RULES: readonly (readonly [find: RegExp, replacement: string])[] = [
  // Quotes that open.
  [/([«“‘„]|`+)/gu, ' $1 '],
  [/^"/gu, '``'],
  [/(``)/gu, ' $1 '],
  [pattern(String.raw`([ \(\[{<])("|'{2})`), '$1 `` '],
  [pattern(String.raw`(?<!\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)`, 'i'), '$1 '],
  // Punctuation.
  [pattern(String.raw`([^\.])(\.)([\]\)}>"'»”’ ]*)\s*(?![\s\S])`), '$1 $2 $3 '],
  [pattern(String.raw`([:,])([^0-9])`), ' $1 $2'],
  [pattern(String.raw`([:,])(?![\s\S])`), ' $1 '],
  [pattern(String.raw`\.{2,}`), ' $& '],
  [pattern('[;@#$%&]'), ' $& '],
  [pattern('[\\u2012-\\u2015]'), ' $& '],
  [pattern(String.raw`[?!]`), ' $& '],
  [pattern(String.raw`([^'])' `), "$1 ' "],
  [pattern('[*]'), ' $& '],
  [pattern(String.raw`[\]\[\(\)\{\}<>]`), ' $& '],
  [pattern('--'), ' -- '],
];

const ENDINGS: typeof RULES = [
  [pattern('([»”’])'), ' $1 '],
  [pattern("''"), " '' "],
  [pattern('"'), " '' "],
  [pattern(String.raw`\s+`), ' '],
  [pattern(String.raw`([^' ])('[sS]|'[mM]|'[dD]|') `), '$1 $2 '],
  [pattern(String.raw`([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) `), '$1 $2 '],
  [
    pattern(
      String.raw`\b(can)(not)\b|\b(d)('ye)\b|\b(gim)(me)\b|\b(gon)(na)\b|\b(got)(ta)\b|\b(lem)(me)\b|\b(more)('n)\b|\b(wan)(na)(?=\s)`,
      'i',
    ),
    ' $1$3$5$7$9$11$13$15 $2$4$6$8$10$12$14$16 ',
  ],
  [pattern(String.raw` ('t)(is)\b| ('t)(was)\b`, 'i'), ' $1$3 $2$4 '],
];

export function treebankWords(text: string): string[] {
  const apply = (value: string, rules: typeof RULES): string =>
    rules.reduce((now, [find, replacement]) => now.replace(find, replacement), value);
  return words(apply(` ${apply(text, RULES)} `, ENDINGS));
}
