import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { keepRows } from './keep-rows.ts';
import { Sandbox } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

it.each([
  ['a few', 9, (row: number) => row % 4 === 3],
  ['the last', 5, (row: number) => row === 4],
  ['most, in several chunks', 300, (row: number) => row % 7 !== 0],
] as const)('moves %s of %i rows to the front', async (_, rows, stays) => {
  const kept = Uint32Array.from(Array.from({ length: rows }, (_, row) => row).filter(stays));
  const numbers = (first: number, width: number): Uint32Array =>
    Uint32Array.from({ length: width * rows }, (_, i) => first + i);
  const arrays = { ids: 1000, streams: 3000, done: 4000, states: 6000 };
  const views = Object.fromEntries(
    Object.entries(arrays).map(([name, first]) => [name, box.put(numbers(first, 1))]),
  ) as Record<keyof typeof arrays, ReturnType<Sandbox['put']>>;
  const spans = box.put(numbers(5000, 4));
  const launch = { ...views, spans, kept: box.put(kept), rows: kept.length };
  await box.run(keepRows({ ...launch, needed: () => false }));
  expect(await box.integers(views.ids, rows)).toEqual(numbers(1000, 1));
  await box.run(keepRows({ ...launch, needed: () => true }));
  for (const [name, first] of Object.entries(arrays)) {
    const want = numbers(first, 1);
    want.set([...kept].map((row) => first + row));
    expect(await box.integers(views[name as keyof typeof arrays], rows)).toEqual(want);
  }
  const want = numbers(5000, 4);
  want.set([...kept].flatMap((row) => [0, 1, 2, 3].map((e) => 5000 + 4 * row + e)));
  expect(await box.integers(spans, 4 * rows)).toEqual(want);
});
