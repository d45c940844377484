import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gpu } from './device.ts';
import { tileOf } from './kernels/matmul-variants.ts';
import { nodeNotes } from './node-notes.ts';
import { openNodeGpu } from './node.ts';
import { cardRates, measure, secondsOf, type Notes, type Work } from './tuning.ts';
import { KERNELS_FOR, type CardRates } from './variants.ts';

/** A card that runs `sideBySide` workgroups at once, and reports the end of a submit `late` seconds late. */
function simulated(card: CardRates, late: number) {
  const clock = { milliseconds: 0 };
  const seconds = ({ tile, m, n, k, launches }: Work): Promise<number> => {
    const { rows, columns } = tileOf(tile);
    const groups = Math.ceil(m / rows) * Math.ceil(n / columns);
    const each = rows * columns * k * Math.max(groups / card.full[tile], 1 / card.alone[tile]);
    const time = late + launches * each;
    clock.milliseconds += 1000 * time;
    return Promise.resolve(time);
  };
  return { clock, seconds, measured: () => measure(seconds, () => clock.milliseconds) };
}

const full = { large: 8e12, medium: 9e12, narrow: 6e12, small: 5e12 };
const alone = { large: 6e10, medium: 7e10, narrow: 4e10, small: 3e10 };
const slower = (rates: CardRates['full'], by: number): CardRates['full'] =>
  Object.fromEntries(Object.entries(rates).map(([tile, x]) => [tile, x / by])) as CardRates['full'];

describe('measuring', () => {
  it.each([
    ['a fast card', 1],
    ['a weak one', 40],
  ])('finds the rates of %s in well under 200 ms', async (_, by) => {
    const card = { full: slower(full, by), alone: slower(alone, Math.sqrt(by)) };
    const { clock, measured } = simulated(card, 0.0005);
    const rates = (await measured())!;
    for (const tile of ['large', 'medium', 'narrow', 'small'] as const) {
      expect(rates.full[tile] / card.full[tile]).toBeCloseTo(1, 6);
      expect(rates.alone[tile] / card.alone[tile]).toBeCloseTo(1, 6);
    }
    expect(clock.milliseconds).toBeLessThan(200);
  });

  it('gives up where the end of work is reported late, or the work never takes any time', async () => {
    const late = simulated({ full, alone }, 0.1);
    expect(await late.measured()).toBeUndefined();
    expect(late.clock.milliseconds).toBeLessThan(700);
    expect(
      await measure(
        () => Promise.resolve(0.001),
        () => 0,
      ),
    ).toBeUndefined();
  });
});

/** It can do nothing. */
const deviceOf = (info: object): Gpu => ({ info }) as unknown as Gpu;
const INFO = { vendor: 'v', architecture: 'a', device: 'd', description: 'x' };
const device = (description: string): Gpu => deviceOf({ ...INFO, description });

describe('what was measured', () => {
  // Simulated timings take no time, however busy this machine is.
  beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(0));
  afterEach(() => void vi.restoreAllMocks());

  /** The rates of a card whose notes are in `file`, and how many timings that took. */
  const opened = async (file: URL, description: string, card: CardRates) => {
    const seconds = vi.fn(simulated(card, 0.0005).seconds);
    const rates = await cardRates(device(description), nodeNotes(file), seconds);
    return { rates, timings: seconds.mock.calls.length };
  };

  it('is remembered: the next opening of the same adapter times nothing, another adapter is timed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ponder-tuning-'));
    const file = pathToFileURL(join(folder, 'cards.json'));
    const first = await opened(file, 'x', { full, alone });
    expect(first.timings).toBeGreaterThan(0);
    expect(first.rates!.full.large / full.large).toBeCloseTo(1, 6);
    // The card has become slower since: what is remembered counts.
    const slow = { full: slower(full, 4), alone: slower(alone, 4) };
    expect(await opened(file, 'x', slow)).toEqual({ rates: first.rates, timings: 0 });
    const other = await opened(file, 'y', slow);
    expect(other.timings).toBeGreaterThan(0);
    expect(other.rates!.full.large / slow.full.large).toBeCloseTo(1, 6);
    expect(await opened(file, 'x', slow)).toEqual({ rates: first.rates, timings: 0 });
    expect(await opened(file, 'y', slow)).toEqual({ rates: other.rates, timings: 0 });
  });

  it.each(['vendor', 'architecture', 'device', 'description'])(
    'belongs to one %s',
    async (field) => {
      const kept = new Map<string, unknown>();
      const notes: Notes = {
        recall: (name) => Promise.resolve(kept.get(name)),
        remember: (name, value) => Promise.resolve(void kept.set(name, value)),
      };
      const { seconds } = simulated({ full, alone }, 0.0005);
      await cardRates(deviceOf(INFO), notes, seconds);
      await cardRates(deviceOf({ ...INFO, [field]: 'other' }), notes, seconds);
      expect(kept.size).toBe(2);
    },
  );
});

describe('what was remembered', () => {
  const notes = (value: unknown): Notes => ({
    recall: () => Promise.resolve(value),
    remember: () => expect.fail('nothing was measured'),
  });

  it('is used', async () => {
    expect(await cardRates(device('x'), notes({ full, alone }))).toEqual({ full, alone });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"full": 1}'],
    ['a part', { full }],
    ['a text as a rate', { full, alone: { ...alone, small: '3e10' } }],
    ['a rate below zero', { full: { ...full, large: -1 }, alone }],
    ['an infinite rate', { full: { ...full, large: Infinity }, alone }],
    ['no number', { full, alone: { ...alone, medium: NaN } }],
  ])('%s is not used; a device that cannot be measured has a table', async (_, value) => {
    expect(await cardRates(device('x'), notes(value))).toBeUndefined();
  });
});

it('times a product and leaves no memory behind', async () => {
  const gpu = await openNodeGpu({ variants: KERNELS_FOR.card });
  const work = { tile: 'small', m: 32, n: 32, k: 64, launches: 2 } as const;
  expect(await secondsOf(gpu, work)).toBeGreaterThan(0);
  expect(Object.values(gpu.ledger).every((bytes) => bytes === 0)).toBe(true);
  await gpu.idle();
  gpu.close();
});
