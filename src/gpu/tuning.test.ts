import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eachTile, simulatedCard } from '../../tests/simulated-card.ts';
import type { Gpu } from './device.ts';
import { trialsOn, type Trials } from './card-trials.ts';
import type { Kernel } from './kernel.ts';
import { STEP } from './kernels/matmul-variants.ts';
import { matmulAs } from './kernels/matmul.ts';
import { nodeNotes } from './node-notes.ts';
import { openNodeGpu } from './node.ts';
import { measure } from './tile-rates.ts';
import { cardRates, type Notes } from './tuning.ts';
import { KERNELS_FOR, type CardRates, type TileRates } from './variants.ts';

const full = { large: 8e12, medium: 9e12, narrow: 6e12, small: 5e12 };
const alone = { large: 6e10, medium: 7e10, narrow: 4e10, small: 3e10 };
const slower = (rates: TileRates, by: number): TileRates => eachTile((tile) => rates[tile] / by);
const packed: CardRates['packed'] = [];
const timingsOf = (card: CardRates) => vi.fn(simulatedCard(card, () => 0.0005).seconds);
const trials = (
  seconds: Trials['seconds'],
  packsRight: Trials['packsRight'] = () => Promise.resolve(true),
): Trials => ({ seconds, packsRight });

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
    const rates = await cardRates(device(description), nodeNotes(file), trials(seconds));
    return { rates, timings: seconds.mock.calls.length };
  };

  it('is remembered: the next opening of the same adapter times nothing, another adapter is timed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ponder-tuning-'));
    const file = pathToFileURL(join(folder, 'cards.json'));
    const first = await opened(file, 'x', { full, alone, packed });
    expect(first.timings).toBeGreaterThan(0);
    expect(first.rates!.full.large / full.large).toBeCloseTo(1, 2);
    // The card has become slower since: what is remembered counts.
    const slow = { full: slower(full, 4), alone: slower(alone, 4), packed };
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
      const seconds = timingsOf({ full, alone, packed });
      await cardRates(device('x'), notes, trials(seconds));
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
    expect(await cardRates(device('x'), notes, trials(seconds))).toBeUndefined();
    expect(seconds).toHaveBeenCalled();
    seconds.mockClear();
    atDate(2 * DAY - HOUR);
    expect(await cardRates(device('x'), notes, trials(seconds))).toBeUndefined();
    expect(seconds).not.toHaveBeenCalled();
    atDate(2 * DAY);
    expect(
      await cardRates(device('x'), notes, trials(timingsOf({ full, alone, packed }))),
    ).toBeDefined();
    expect(await cardRates(device('x'), notes, trials(seconds))).toBeDefined();
  });

  it.each(['vendor', 'architecture', 'device', 'description'])(
    'belongs to one %s',
    async (field) => {
      const notes = someNotes();
      const seconds = timingsOf({ full, alone, packed });
      await cardRates(deviceOf(INFO), notes, trials(seconds));
      await cardRates(deviceOf({ ...INFO, [field]: 'other' }), notes, trials(seconds));
      expect(notes.kept.size).toBe(2);
    },
  );
});

describe('what was remembered', () => {
  const date = 40 * DAY;
  beforeEach(() => atDate(date + HOUR));

  /** Whether a card was measured that has this note. */
  const measuresWith = async (note: unknown): Promise<boolean> => {
    const seconds = timingsOf({ full, alone, packed });
    const notes = { ...someNotes(), recall: () => Promise.resolve(note) };
    await cardRates(device('x'), notes, trials(seconds));
    return seconds.mock.calls.length > 0;
  };

  it('is used', async () => {
    expect(await measuresWith({ date, rates: { full, alone, packed } })).toBe(false);
    expect(await measuresWith({ date, rates: null })).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"full": 1}'],
    ['rates without a date', { rates: { full, alone, packed } }],
    ['a text as a date', { date: String(date), rates: { full, alone, packed } }],
    ['a date without rates', { date }],
    ['a part', { date, rates: { full, packed } }],
    ['rates that do not say whether to pack', { date, rates: { full, alone } }],
    ['an answer of an older kind', { date, rates: { full, alone, packed: false } }],
    ['another storage', { date, rates: { full, alone, packed: ['f16', 'int4'] } }],
    ['a text as a rate', { date, rates: { full, alone: { ...alone, small: '3e10' }, packed } }],
    ['a rate below zero', { date, rates: { full: { ...full, large: -1 }, alone, packed } }],
    ['an infinite rate', { date, rates: { full: { ...full, large: Infinity }, alone, packed } }],
    ['no number', { date, rates: { full, alone: { ...alone, medium: NaN }, packed } }],
  ])('%s is not used', async (_, note) => {
    expect(await measuresWith(note)).toBe(true);
  });
});

describe('packed weights', () => {
  const found = async (packsRight: Trials['packsRight']) => {
    const timings = timingsOf({ full, alone, packed: ['f16', 'bf16'] });
    return (await cardRates(device('x'), someNotes(), trials(timings, packsRight)))!.packed;
  };

  it('are used where they are faster and right', async () => {
    expect(await found(() => Promise.resolve(true))).toEqual(['f16', 'bf16']);
    expect(await found((weights) => Promise.resolve(weights === 'bf16'))).toEqual(['bf16']);
    expect(await found(() => Promise.reject(new Error('not here')))).toEqual([]);
  });
});

describe('a trial', () => {
  let gpu: Gpu;
  beforeEach(async () => {
    vi.restoreAllMocks();
    gpu = await openNodeGpu({ variants: KERNELS_FOR.card });
  });
  afterEach(() => gpu.close());

  /** What a product's text has if its weights are packed. */
  const isPacked = (kernel: Kernel): boolean => kernel.code.includes('2u * B_PITCH');

  it.each([
    ['f32', false],
    ['f16', false],
    ['f16', true],
    ['bf16', true],
  ] as const)('times weights in %s, packed: %s, and leaves no memory', async (weights, packed) => {
    const compile = vi.spyOn(gpu, 'pipeline');
    const size = { m: 32, n: 32, k: 64, launches: 2 };
    const { seconds } = trialsOn(gpu);
    expect(await seconds({ tile: 'small', weights, packed, ...size })).toBeGreaterThan(0);
    const [[kernel]] = compile.mock.calls as [[Kernel]];
    expect(isPacked(kernel)).toBe(packed);
    expect(kernel.code.includes('b0: array<vec2u>')).toBe(weights !== 'f32');
    expect(Object.values(gpu.ledger).every((bytes) => bytes === 0)).toBe(true);
    await gpu.idle();
  });

  it('times no kernel that was not compiled before', async () => {
    const any = await gpu.pipeline(matmulAs(['small'], nothing(gpu)).kernel);
    const compiled = new Set<string>();
    let isTimed = false;
    vi.spyOn(gpu, 'pipeline').mockImplementation(({ name }) => {
      if (isTimed) expect(compiled).toContain(name);
      compiled.add(name);
      return Promise.resolve(any);
    });
    const real = trialsOn(gpu);
    const simulated = simulatedCard({ full, alone, packed }, () => 0.0005);
    await measure(async (work) => {
      // What only compiles has one launch and the shortest k.
      isTimed = work.launches > 1 || work.k > STEP;
      await real.seconds({ ...work, m: 1, k: STEP, launches: 1 });
      return simulated.seconds(work);
    }, simulated.now);
    expect(compiled.size).toBe(8);
  });

  it.each(['f16', 'bf16'] as const)(
    'finds that packed weights in %s have the right sums, or not',
    async (weights) => {
      const { packsRight } = trialsOn(gpu);
      expect(await packsRight(weights)).toBe(true);
      const compile = gpu.pipeline.bind(gpu);
      // A device that takes the numbers of two words for one another, in one layout.
      for (const layout of ['transpose_halves(rows_b0', 'return load_b0']) {
        vi.spyOn(gpu, 'pipeline').mockImplementation((kernel) => {
          const isOther =
            kernel.code.includes('transpose_halves(rows_b0') !== layout.startsWith('transpose');
          if (!isPacked(kernel) || isOther) return compile(kernel);
          const code = kernel.code.replace(
            'let four = tile_b[k][i];',
            'let four = tile_b[k][i].yx;',
          );
          expect(code).not.toBe(kernel.code);
          return compile({ ...kernel, name: `wrong ${layout} ${weights}`, code });
        });
        expect(await packsRight(weights)).toBe(false);
      }
    },
  );
});

function nothing(gpu: Gpu) {
  const view = gpu.allocate('io', 1024, 'nothing');
  return { layout: 'nt', a: view, b: view, c: view, m: 1, n: 1, k: 1 } as const;
}
