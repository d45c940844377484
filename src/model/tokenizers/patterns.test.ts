/** Expected values are those of tokenizers 0.23.3 in Python. */
import { expect, it } from 'vitest';
import { normalizer } from './normalizers.ts';
import { preTokenizer } from './pre-tokenizers.ts';

it.each([
  ['$', 'MergedWithPrevious', 'x\ny\n', ['x', '\ny', '\n']],
  ['\\b', 'Contiguous', 'ab cd', ['ab', ' ', 'cd']],
  ['\\b', 'Removed', 'hello world', ['hello', ' ', 'world']],
  ['a|$', 'MergedWithPrevious', 'bab', ['ba', 'b']],
  ['^', 'MergedWithNext', 'a\nb\n', ['a\n', 'b\n']],
  ['\\w*', 'MergedWithNext', 'ab cd', ['ab ', 'cd']],
  ['(?<=\\d)(?=(\\d{3})+\\b)', 'Isolated', '1234567', ['1', '234', '567']],
  ['x*', 'Isolated', 'a😀xb', ['a', '😀', 'x', 'b']],
])('an empty match of %s cuts, too (%s)', (Regex, behavior, text, words) => {
  expect(preTokenizer({ type: 'Split', pattern: { Regex }, behavior })(text, true)).toEqual(words);
});

it.each([
  ['$', '😀\nb', '😀_\nb_'],
  ['^', 'a\nb\n', '_a\n_b\n'],
  ['x*', 'axxb', '_a_b_'],
  ['a|$', 'ba', 'b_'],
  ['\\w*', 'ab c', '_ _'],
  ['$', '', ''],
])('%s is replaced where it matches in %j', (Regex, text, changed) => {
  expect(normalizer({ type: 'Replace', pattern: { Regex }, content: '_' })(text)).toBe(changed);
});

it('nothing is put before an empty text, nor before a word after what was removed', () => {
  expect(normalizer({ type: 'Prepend', prepend: 'x' })('')).toBe('');
  const metaspace = { type: 'Metaspace', replacement: '_', prepend_scheme: 'first', split: true };
  const words = preTokenizer({
    type: 'Sequence',
    pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace],
  });
  expect(words('the cat', true)).toEqual(['_the', 'cat']);
  expect(words(' the cat', true)).toEqual(['the', 'cat']);
});

it('bytes in a pattern are refused', () => {
  const of = (Regex: string) => () => preTokenizer({ type: 'Split', pattern: { Regex } });
  expect(of('[\\x80-\\xff]')).toThrow('bytes');
  expect(of('[^\\x00-\\x7F]\\\\x80')).not.toThrow('bytes');
});
