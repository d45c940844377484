import { expect, it } from 'vitest';
import { transitions } from './thought-end.ts';

/** What is written of the tag after each token, from nothing. */
function states(tokens: readonly string[]): number[] {
  let state = 0;
  return tokens.map((token) => {
    if (state < 8) state = Math.floor(transitions(token) / 16 ** state) % 16;
    return state;
  });
}

it.each([
  [['</think>'], [8]],
  [
    ['</', 'think', '>'],
    [2, 7, 8],
  ],
  [
    ['a', '.</', 'thi', 'nk', '>\n'],
    [0, 2, 5, 7, 8],
  ],
  [
    ['<', '</', 'think', '>'],
    [1, 2, 7, 8],
  ],
  [
    ['</', 'thin', 'g', '</think>', 'x<'],
    [2, 6, 0, 8, 8],
  ],
  [
    ['</thi', '<', '/', 'think>yes'],
    [5, 1, 2, 8],
  ],
  [
    ['<think>', '</ ', 'think>'],
    [0, 0, 0],
  ],
] as const)('finds the closing tag in any tokens: %j', (tokens, wanted) => {
  expect(states(tokens)).toEqual(wanted);
});
