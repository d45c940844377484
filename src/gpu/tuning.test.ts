import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eachTile, simulatedCard } from '../../tests/simulated-card.ts';
import type { Gpu } from './device.ts';
import { nodeNotes } from './node-notes.ts';
import { openNodeGpu } from './node.ts';
import { cardRates, secondsOf, type Notes } from './tuning.ts';
import { KERNELS_FOR, type CardRates, type TileRates } from './variants.ts';

const full = { large: 8e12, medium: 9e12, narrow: 6e12, small: 5e12 };
const alone = { large: 6e10, medium: 7e10, narrow: 4e10, small: 3e10 };
const slower = (rates: TileRates, by: number): TileRates => eachTile((tile) => rates[tile] / by);
const timingsOf = (card: CardRates) => vi.fn(simulatedCard(card, () => 0.0005).seconds);

/** It can do nothing. */
const deviceOf = (info: object): Gpu => ({ info }) as unknown as Gpu;
const INFO = { vendor: 'v', architecture: 'a', device: 'd', description: 'x' };
const device = (description: string): Gpu => deviceOf({ ...INFO, description });

/** Notes that last as long as they do. */
function someNotes(): Notes & { kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    recall: (name) => Promise.resolve(kept.get(name)),
    remember: (name, value) => Promise.resolve(void kept.set(name, value)),
  };
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Simulated timings take no time, however busy this machine is. */
beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(0));
afterEach(() => void vi.restoreAllMocks());
const atDate = (date: number) => void vi.spyOn(Date, 'now').mockReturnValue(date);

describe('what was measured', () => {
  /** The rates of a card whose notes are in `file`, and how many timings that took. */
  const opened = async (file: URL, description: string, card: CardRates) => {
    const seconds = timingsOf(card);
    const rates = await cardRates(device(description), nodeNotes(file), seconds);
    return { rates, timings: seconds.mock.calls.length };
  };

  it('is remembered: the next opening of the same adapter times nothing, another adapter is timed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ponder-tuning-'));
    const file = pathToFileURL(join(folder, 'cards.json'));
    const first = await opened(file, 'x', { full, alone });
    expect(first.timings).toBeGreaterThan(0);
    expect(first.rates!.full.large / full.large).toBeCloseTo(1, 2);
    // The card has become slower since: what is remembered counts.
    const slow = { full: slower(full, 4), alone: slower(alone, 4) };
    expect(await opened(file, 'x', slow)).toEqual({ rates: first.rates, timings: 0 });
    const other = await opened(file, 'y', slow);
    expect(other.timings).toBeGreaterThan(0);
    expect(other.rates!.full.large / slow.full.large).toBeCloseTo(1, 2);
    expect(await opened(file, 'x', slow)).toEqual({ rates: first.rates, timings: 0 });
    expect(await opened(file, 'y', slow)).toEqual({ rates: other.rates, timings: 0 });
    await rm(folder, { recursive: true });
  });

  it('is measured anew after 30 days, or when the clock was ahead', async () => {
    const notes = someNotes();
    const timings = async (date: number): Promise<number> => {
      atDate(date);
      const seconds = timingsOf({ full, alone });
      await cardRates(device('x'), notes, seconds);
      return seconds.mock.calls.length;
    };
    expect(await timings(40 * DAY)).toBeGreaterThan(0);
    expect(await timings(70 * DAY - 1)).toBe(0);
    expect(await timings(70 * DAY)).toBeGreaterThan(0);
    expect(await timings(99 * DAY)).toBe(0);
    expect(await timings(69 * DAY)).toBeGreaterThan(0);
  });

  it.each([
    ['fails', () => Promise.reject(new Error('not here'))],
    ['tells nothing', () => Promise.resolve(0.001)],
  ])('is nothing where timing %s, for a day', async (_, timing) => {
    const notes = someNotes();
    const seconds = vi.fn<() => Promise<number>>(timing);
    atDate(DAY);
    expect(await cardRates(device('x'), notes, seconds)).toBeUndefined();
    expect(seconds).toHaveBeenCalled();
    seconds.mockClear();
    atDate(2 * DAY - HOUR);
    expect(await cardRates(device('x'), notes, seconds)).toBeUndefined();
    expect(seconds).not.toHaveBeenCalled();
    atDate(2 * DAY);
    expect(await cardRates(device('x'), notes, timingsOf({ full, alone }))).toBeDefined();
    expect(await cardRates(device('x'), notes, seconds)).toBeDefined();
  });

  it.each(['vendor', 'architecture', 'device', 'description'])(
    'belongs to one %s',
    async (field) => {
      const notes = someNotes();
      const seconds = timingsOf({ full, alone });
      await cardRates(deviceOf(INFO), notes, seconds);
      await cardRates(deviceOf({ ...INFO, [field]: 'other' }), notes, seconds);
      expect(notes.kept.size).toBe(2);
    },
  );
});

describe('what was remembered', () => {
  const date = 40 * DAY;
  beforeEach(() => atDate(date + HOUR));

  /** Whether a card was measured that has this note. */
  const measuresWith = async (note: unknown): Promise<boolean> => {
    const seconds = timingsOf({ full, alone });
    const notes = { ...someNotes(), recall: () => Promise.resolve(note) };
    await cardRates(device('x'), notes, seconds);
    return seconds.mock.calls.length > 0;
  };

  it('is used', async () => {
    expect(await measuresWith({ date, rates: { full, alone } })).toBe(false);
    expect(await measuresWith({ date, rates: null })).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"full": 1}'],
    ['rates without a date', { rates: { full, alone } }],
    ['a text as a date', { date: String(date), rates: { full, alone } }],
    ['a date without rates', { date }],
    ['a part', { date, rates: { full } }],
    ['a text as a rate', { date, rates: { full, alone: { ...alone, small: '3e10' } } }],
    ['a rate below zero', { date, rates: { full: { ...full, large: -1 }, alone } }],
    ['an infinite rate', { date, rates: { full: { ...full, large: Infinity }, alone } }],
    ['no number', { date, rates: { full, alone: { ...alone, medium: NaN } } }],
  ])('%s is not used', async (_, note) => {
    expect(await measuresWith(note)).toBe(true);
  });
});

it('times a product and leaves no memory behind', async () => {
  vi.restoreAllMocks();
  const gpu = await openNodeGpu({ variants: KERNELS_FOR.card });
  const work = { tile: 'small', m: 32, n: 32, k: 64, launches: 2 } as const;
  expect(await secondsOf(gpu, work)).toBeGreaterThan(0);
  expect(Object.values(gpu.ledger).every((bytes) => bytes === 0)).toBe(true);
  await gpu.idle();
  gpu.close();
});
