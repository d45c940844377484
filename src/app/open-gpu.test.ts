import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fakeApi } from '../../tests/fake-adapter.ts';
import type { Notes } from '../gpu/tuning.ts';
import { openGpu } from './open-gpu.ts';

const { cardRates, stored } = vi.hoisted(() => ({
  cardRates: vi.fn<(gpu: unknown, notes: Notes) => Promise<unknown>>(),
  stored: { get: vi.fn(), set: vi.fn() },
}));
vi.mock('../gpu/tuning.ts', () => ({ cardRates }));
vi.mock('idb-keyval', () => stored);

/** A browser with a graphics card; one caller at a time holds a lock. */
beforeEach(() => {
  let held: Promise<unknown> = Promise.resolve();
  vi.stubGlobal('navigator', {
    gpu: fakeApi(),
    locks: { request: (_: string, run: () => unknown) => (held = held.then(run)) },
  });
});

afterEach(() => void vi.unstubAllGlobals());

const rates = { large: 4, medium: 3, narrow: 2, small: 1 };
const card = { full: rates, alone: rates, packed: ['f16' as const] };

it('measures a graphics card, one caller after the other', async () => {
  let running = 0;
  cardRates.mockImplementation(async () => {
    running++;
    expect(running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return card;
  });
  const [one, other] = await Promise.all([openGpu(), openGpu()]);
  expect(one.variants.card).toEqual(card);
  expect(other.variants.card).toEqual(card);
});

it('keeps what was measured in the browser, and does without where nothing is stored', async () => {
  const kept = new Map<string, unknown>();
  stored.get.mockImplementation((name: string) => Promise.resolve(kept.get(name)));
  stored.set.mockImplementation((name: string, value: unknown) =>
    Promise.resolve(void kept.set(name, value)),
  );
  let notes!: Notes;
  cardRates.mockImplementation((_, given) => {
    notes = given;
    return Promise.resolve(undefined);
  });
  await openGpu();
  await notes.remember('one', card);
  expect(await notes.recall('one')).toEqual(card);
  expect(await notes.recall('other')).toBeUndefined();
  for (const call of [stored.get, stored.set]) call.mockRejectedValue(new Error('not here'));
  await notes.remember('one', card);
  expect(await notes.recall('one')).toBeUndefined();
});
