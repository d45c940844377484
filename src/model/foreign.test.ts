import { beforeEach, expect, it } from 'vitest';
import { runForeign, watchForeign } from './foreign.ts';

let told: (string | undefined)[];
beforeEach(() => {
  told = [];
  watchForeign((call) => told.push(call));
});

it('announces a call and its end, also when it throws', () => {
  expect(runForeign('A', () => [...told])).toEqual(['A']);
  expect(told).toEqual(['A', undefined]);
  const failing = () =>
    runForeign('B', () => {
      throw new Error('bad');
    });
  expect(failing).toThrow('bad');
  expect(told).toEqual(['A', undefined, 'B', undefined]);
});

it('announces only the outer of two calls', () => {
  expect(runForeign('A', () => runForeign('B', () => 3))).toBe(3);
  expect(told).toEqual(['A', undefined]);
});
