import { expect, it } from 'vitest';
import { replaceDead, type Fresh } from './fresh-groups.ts';

const alive = { reward: [0, 1] };
const dead = { reward: [1, 1] };

/** Prompts with an even index are dead. */
function writer() {
  const asked: Fresh[][] = [];
  const write = (fresh: readonly Fresh[]) => {
    asked.push([...fresh]);
    return Promise.resolve(
      fresh.map(({ index }) => (index % 2 === 0 ? dead : { ...alive, index })),
    );
  };
  return { asked, write };
}

it('replaces groups without variance until they have some, and no others', async () => {
  const { asked, write } = writer();
  const { groups, drawn } = await replaceDead([alive, dead, dead], 0, 5, write);
  // Places of the second attempt come after all those of the first.
  expect(asked.map((fresh) => fresh.map(({ slot }) => slot))).toEqual([[1, 2], [2]]);
  expect(drawn).toBe(3);
  expect(groups[0]).toBe(alive);
  expect(groups.map(({ reward }) => reward)).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
});

it('gives up after its tries, and asks for nothing without dead groups', async () => {
  const { asked, write } = writer();
  const never = (fresh: readonly Fresh[]) => write(fresh.map((one) => ({ ...one, index: 0 })));
  expect(await replaceDead([dead], 7, 3, never)).toEqual({ groups: [dead], drawn: 3 });
  expect((await replaceDead([alive], 7, 3, write)).drawn).toBe(0);
  expect(asked).toHaveLength(3);
});

it('draws every fresh prompt once, by the step alone', async () => {
  const indices: number[] = [];
  for (const step of [3, 0, 2, 1]) {
    await replaceDead([dead, dead], step, 2, (fresh) => {
      indices.push(...fresh.map(({ index }) => index));
      return Promise.resolve(fresh.map(() => dead));
    });
  }
  expect(new Set(indices).size).toBe(16);
  expect(Math.min(...indices)).toBe(2 ** 50);
  expect(indices.every(Number.isSafeInteger)).toBe(true);
});
