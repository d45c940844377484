import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { FORCED, forceEnd } from './force-end.ts';
import { Sandbox } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

const ENDING = [7, 8, 9];
/** States of a row besides the number of characters, as in force-end.wgsl. */
const [ENDED, FORCING] = [8, 16];
/** Token 3 ends the text, token 4 writes one more character, token 5 all that are left, others none. */
const NEXT = Uint32Array.from({ length: 10 }, (_, token) => {
  if (token === 3) return 0xffffffff;
  const after = (state: number): number => (token === 4 ? state + 1 : token === 5 ? ENDED : 0);
  return [7, 6, 5, 4, 3, 2, 1, 0].reduce((digits, state) => digits * 16 + after(state), 0);
});

/** A row before the launch at the fourth step of five, and after it. */
const ROWS = [
  { limit: 5, state: 0, drawn: 1, after: 0 },
  { limit: 5, state: 2, drawn: 4, after: 3 },
  { limit: 5, state: 2, drawn: 1, after: 0 },
  { limit: 5, state: 2, drawn: 5, after: ENDED },
  { limit: 5, state: 2, drawn: 3, after: FORCING + 1, forced: 7 },
  { limit: 3, state: 0, drawn: 1, after: FORCING + 1, forced: 7 },
  { limit: 3, state: 2, drawn: 1, after: FORCING + 1, forced: 7 },
  { limit: 3, state: 2, drawn: 4, after: 3 },
  { limit: 3, state: 7, drawn: 4, after: ENDED },
  { limit: 3, state: FORCING + 1, drawn: 3, after: FORCING + 2, forced: 8 },
  { limit: 5, state: FORCING + 2, drawn: 5, after: ENDED, forced: 9 },
  { limit: 3, state: ENDED, drawn: 3, after: ENDED },
];

it.each([3, 5])('forces the ending after %i tokens, and before a stop token', async (limit) => {
  // More rows than a workgroup has.
  const kinds = ROWS.filter((row) => row.limit === limit);
  const rows = Array.from({ length: 70 }, (_, i) => kinds[i % kinds.length]!);
  const states = box.put(Uint32Array.from(rows, ({ state }) => state));
  const drawn = Uint32Array.from(rows, (row) => row.drawn);
  const tokens = box.put(Uint32Array.from(rows.flatMap((row) => [90, 91, 92, row.drawn, 94])));
  const nextIds = box.put(drawn);
  const done = box.put(drawn.map((token) => Number(token === 3)));
  const launch = {
    ...{ next: box.put(NEXT), ending: box.put(Uint32Array.from(ENDING)), endingLength: 3 },
    ...{ tokens, nextIds, done, states, limit, rows: 70, step: 3, maxSteps: 5 },
  };
  await box.run(forceEnd({ ...launch, needed: () => false }));
  expect(await box.integers(nextIds, 70)).toEqual(drawn);
  await box.run(forceEnd({ ...launch, needed: () => true }));
  expect([...(await box.integers(states, 70))]).toEqual(rows.map(({ after }) => after));
  expect([...(await box.integers(tokens, 350))]).toEqual(
    rows.flatMap(({ drawn: token, forced }) => [
      ...[90, 91, 92, forced === undefined ? token : forced + FORCED, 94],
    ]),
  );
  const written = rows.map(({ drawn: token, forced }) => forced ?? token);
  expect([...(await box.integers(nextIds, 70))]).toEqual(written);
  // A forced token ends nothing.
  expect([...(await box.integers(done, 70))]).toEqual(written.map((token) => Number(token === 3)));
});
