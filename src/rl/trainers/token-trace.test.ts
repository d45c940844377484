import { expect, it } from 'vitest';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { k3, tokenPieces, tokenTrace } from './token-trace.ts';

/** Tokens are bytes, and 0 is the stop token. */
const bytes: Pick<Tokenizer, 'decode'> = {
  decode: (ids: readonly number[]) => new TextDecoder().decode(Uint8Array.from(ids)),
};
const sample = (text: string, finished = true) => {
  const ids = [...new TextEncoder().encode(text), ...(finished ? [0] : [])];
  return { ids, finished };
};

it('splits a text into the piece that each token adds', () => {
  expect(tokenPieces(bytes, sample('so'))).toEqual(['s', 'o', '']);
  expect(tokenPieces(bytes, sample('so', false))).toEqual(['s', 'o']);
});

it('shows a character with the last of its tokens', () => {
  expect(tokenPieces(bytes, sample('a€b'))).toEqual(['a', '', '', '€', 'b', '']);
  // Cut off inside a character.
  const { ids } = sample('a€', false);
  const pieces = tokenPieces(bytes, { ids: ids.slice(0, -1), finished: false });
  expect(pieces.slice(0, 2)).toEqual(['a', '']);
  expect(pieces[2]).toMatch(/^\uFFFD+$/);
});

it('has one rounded number for every token', () => {
  const logp = Float32Array.of(-0.123456, -2);
  const trace = tokenTrace(bytes, sample('s'), { logp, entropy: [0, 1], kl: k3(logp, [-1, -2]) });
  expect(trace).toEqual({
    text: ['s', ''],
    logp: [-0.1235, -2],
    entropy: [0, 1],
    kl: [Number((Math.exp(-0.876544) + 0.876544 - 1).toPrecision(4)), 0],
  });
});
