import { expect, it } from 'vitest';
import { holdOut } from './held-out.ts';

const rows = (...prompts: string[]): { prompt: string }[] => prompts.map((prompt) => ({ prompt }));
const many = rows(...Array.from({ length: 25 }, (_, i) => `prompt ${i}`));

it('holds a tenth out, the same each time, and no prompt is on both sides', () => {
  const { train, heldOut } = holdOut([...many, ...many]);
  expect(new Set(heldOut.map(({ prompt }) => prompt)).size).toBe(2);
  expect(heldOut).toHaveLength(4);
  expect(train).toHaveLength(46);
  const held = new Set(heldOut.map(({ prompt }) => prompt));
  expect(train.filter(({ prompt }) => held.has(prompt))).toEqual([]);
  expect(holdOut([...many, ...many])).toEqual({ train, heldOut });
});

it('holds none out of fewer than ten different prompts', () => {
  const nine = many.slice(0, 9);
  expect(holdOut([...nine, ...nine]).heldOut).toEqual([]);
  expect(holdOut(many.slice(0, 10)).heldOut).toHaveLength(1);
});
