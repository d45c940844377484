import { expect, it } from 'vitest';
import { packPrompts } from './prompts.ts';

it('computes tokens after the same tokens once, and gives each prompt its own cache rows', () => {
  // The last token of each prompt is not packed. The same token after others is not the same row.
  const packed = packPrompts([[7, 8, 9, 1], [7, 8, 5, 9, 2], [8, 9, 1], [7, 8, 5, 1], [3]]);
  expect([...packed.ids]).toEqual([7, 8, 9, 5, 9, 8, 9]);
  expect([...packed.positions]).toEqual([0, 1, 2, 2, 3, 0, 1]);
  expect([...packed.sources]).toEqual([0, 1, 2, 0, 1, 3, 4, 5, 6, 0, 1, 3]);
  // Rows see the cache rows of the first prompt that has them, from its start on.
  const seen = Array.from({ length: 7 }, (_, i) => [...packed.spans.subarray(4 * i, 4 * i + 4)]);
  expect(seen).toEqual(
    [
      [0, 1],
      [0, 2],
      [0, 3],
      [3, 6],
      [3, 7],
      [7, 8],
      [7, 9],
    ].map(([start, end]) => [start, start, start, end]),
  );
  expect(packed.dims).toEqual({ tokens: 7, pairs: 16, windowPairs: 16, cached: 12 });
});

it('counts what layers with a window see', () => {
  const { dims, windowSpans } = packPrompts([[1, 2, 3, 4, 5]], 2);
  expect(dims).toEqual({ tokens: 4, pairs: 10, windowPairs: 7, cached: 4 });
  expect([...windowSpans!].filter((_, i) => i % 4 > 1)).toEqual([0, 1, 0, 2, 1, 3, 2, 4]);
});

it('packs nothing where prompts have one token', () => {
  expect(packPrompts([[1], [1]]).dims).toEqual({ tokens: 0, pairs: 0, windowPairs: 0, cached: 0 });
});
