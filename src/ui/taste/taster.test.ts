import { expect, it, vi } from 'vitest';
import type { TasteLabel } from '../../app/taste.ts';
import type { Generator } from '../try/generator.svelte.ts';

vi.mock('../remembered.ts', () => ({
  recall: () => Promise.resolve(undefined),
  remember: () => Promise.resolve(),
}));
const { Taster } = await import('./taster.svelte.ts');

it('choices that are taken back while responses are written are all shown again', async () => {
  const writings: (() => void)[] = [];
  const generator = {
    // The policy writes two pairs at a time; the responses of the others are equal.
    use: () =>
      new Promise((resolve) => {
        const texts = Array.from({ length: 8 }, (_, i) => (i < 2 ? ['a', 'b'] : ['c', 'c']));
        const written = texts.map((both) => both.map((response) => ({ thought: null, response })));
        writings.push(() => resolve(written));
      }),
  } as unknown as Generator;
  const write = async (): Promise<void> => {
    writings.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const taster = new Taster(generator, {} as never);
  void taster.start();
  await write();
  const [first, second] = taster.pairs.map(({ prompt }) => prompt);
  await taster.choose(0);
  void taster.choose(0);
  expect(taster.labels.map(({ prompt }: TasteLabel) => prompt)).toEqual([first, second]);
  // The page waits for the next pairs.
  taster.undo();
  taster.undo();
  await write();
  expect(taster.labels).toEqual([]);
  expect(taster.pairs.map(({ prompt }) => prompt).slice(0, 2)).toEqual([first, second]);
  expect(new Set(taster.pairs.map(({ prompt }) => prompt)).size).toBe(taster.pairs.length);
});
