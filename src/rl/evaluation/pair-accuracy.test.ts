import { expect, it } from 'vitest';
import { pairAccuracy } from './pair-accuracy.ts';

const pair = (prompt: string) => ({ prompt, responses: ['a', 'b'], pairs: [[0, 1] as const] });

it('counts pairs whose preferred response scores higher, and half of those that score the same', () => {
  const groups = ['p', 'q', 'r', 's'].map(pair);
  const scores = [
    [2, 1],
    [1, 2],
    [0, 0],
    [-1, -5],
  ];
  expect(pairAccuracy(groups, scores)).toMatchObject({ mean: 2.5 / 4, pairs: 4, prompts: 4 });
});

it('reads every pair of a ranking', () => {
  const ranking = {
    prompt: 'p',
    responses: ['a', 'b', 'c'],
    pairs: [[2, 0] as const, [2, 1] as const],
  };
  expect(pairAccuracy([ranking], [[0, 3, 1]])).toMatchObject({ mean: 0.5, pairs: 2, prompts: 1 });
});

it('draws whole prompts, so ten copies of a pair make the interval no narrower', () => {
  const right = [true, true, false, true, false, true, true, false];
  const groups = right.map((_, i) => pair(`prompt ${i}`));
  const scores = right.map((yes) => (yes ? [1, 0] : [0, 1]));
  const once = pairAccuracy(groups, scores);
  const copies = <T>(list: T[]): T[] => list.flatMap((item) => Array<T>(10).fill(item));
  const copied = pairAccuracy(copies(groups), copies(scores));
  expect(copied).toEqual({ ...once, pairs: 80 });
});
