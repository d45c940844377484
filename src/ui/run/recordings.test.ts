import { afterEach, expect, it, vi } from 'vitest';
import { RECORDINGS } from './recorded.ts';
import { Recordings } from './recordings.svelte.ts';

afterEach(() => vi.unstubAllGlobals());

const [first, other] = RECORDINGS as unknown as [(typeof RECORDINGS)[0], (typeof RECORDINGS)[0]];

/** A server that has the files named. */
const serve = (...files: string[]): void => {
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      files.includes(url)
        ? Response.json({ recipe: { seed: 1 }, steps: [] })
        : new Response('', { status: 404 }),
    ),
  );
};

it('tells of each run that arrives', async () => {
  serve(first.file, other.file);
  const told: string[] = [];
  const recordings = new Recordings(({ id }) => told.push(id));
  await recordings.fetchFirst();
  expect(recordings.first).toEqual({ recipe: { seed: 1 }, steps: [] });
  recordings.fetchOthers();
  await vi.waitFor(() => expect(recordings.get(other)).toBeDefined());
  expect(told).toEqual(RECORDINGS.map(({ id }) => id));
  expect(recordings.problem).toBe(null);
});

it('expects other runs until it knows that this copy of the page lacks them', async () => {
  serve();
  const recordings = new Recordings(() => undefined);
  expect([recordings.mayHave(first), recordings.mayHave(other)]).toEqual([false, true]);
  await recordings.fetchFirst();
  expect(recordings.problem).toMatch(/without a recorded run/);
  recordings.fetchOthers();
  await vi.waitFor(() => expect(recordings.mayHave(other)).toBe(false));
});
