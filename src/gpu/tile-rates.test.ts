import { describe, expect, it } from 'vitest';
import { median } from '../app/measure/arithmetic.ts';
import { Random } from '../rl/random.ts';
import { eachTile, productSeconds, simulatedCard } from '../../tests/simulated-card.ts';
import { cardVariant, MIDDLING } from './kernels/matmul-choice.ts';
import { TILE_NAMES } from './kernels/matmul-variants.ts';
import { HALVES } from './storage.ts';
import { FULL, measure, type Work } from './tile-rates.ts';
import type { CardRates } from './variants.ts';

const KINDS = ['full', 'alone'] as const;

/** Cards of 4 to 256 workgroups side by side, with other tiles fast than the table's. */
function someCard(seed: number): CardRates {
  const random = new Random(seed, 'card');
  const between = (least: number, most: number) => least * (most / least) ** random.uniform();
  const [unit, units] = [between(1e10, 3e11), between(4, 256)];
  const alone = eachTile(() => unit * between(0.3, 1));
  const full = eachTile((tile) => units * alone[tile] * between(1, 2));
  return { full, alone, packed: HALVES.filter(() => random.uniform() < 0.5) };
}

/** Seconds that the end of a submit is reported late. */
const LATE: Record<string, (random: Random) => number> = {
  '0.5 ms': () => 0.0005,
  '0 to 1 ms': (random) => 0.001 * random.uniform(),
  '0 to 2 ms': (random) => 0.002 * random.uniform(),
  '0 to 5 ms': (random) => 0.005 * random.uniform(),
  '5 to 15 ms': (random) => 0.005 + 0.01 * random.uniform(),
  'at times 0 to 30 ms': (random) =>
    0.0002 + (random.uniform() < 0.02 ? 0.03 * random.uniform() : 0),
};

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

/** What was found of each card, and how long that took on its own clock. */
function foundWith(late: string) {
  return Promise.all(
    SEEDS.map(async (seed) => {
      const card = someCard(seed);
      const random = new Random(seed, 'late');
      const { seconds, now } = simulatedCard(card, () => LATE[late]!(random));
      return { card, rates: await measure(seconds, now), milliseconds: now() };
    }),
  );
}

/** By which factor the tile that is picked takes longer than the best one, at most. */
function mostLoss(card: CardRates, rates?: CardRates): number {
  const sizes = [16, 48, 200, 576, 1536, 5000];
  const losses = sizes.flatMap((m) =>
    sizes.map((n) => {
      const product = { m, n, k: 576 };
      const seconds = TILE_NAMES.map((tile) => productSeconds(card, tile, product));
      return seconds[cardVariant(TILE_NAMES, product, { parts: 1 }, rates)]! / Math.min(...seconds);
    }),
  );
  return Math.max(...losses);
}

const apart = (x: number, y: number): number => Math.max(x / y, y / x);

describe('measuring', () => {
  it.each([
    ['a weak card', { units: 8, unit: 1e10 }],
    ['a fast one', { units: 140, unit: 6e10 }],
    ['one that is faster than any', { units: 400, unit: 4e11 }],
  ])('finds the rates of %s where every submit is as late', async (_, { units, unit }) => {
    const shares = { large: 0.8, medium: 1, narrow: 0.6, small: 0.4 };
    const alone = eachTile((tile) => unit * shares[tile]);
    const card = {
      full: eachTile((tile) => units * alone[tile]),
      alone,
      packed: ['bf16' as const],
    };
    const { seconds, now } = simulatedCard(card, () => 0.0005);
    const rates = (await measure(seconds, now))!;
    for (const kind of KINDS) {
      for (const tile of TILE_NAMES) expect(rates[kind][tile] / card[kind][tile]).toBeCloseTo(1, 2);
    }
    expect(rates.packed).toEqual(['bf16']);
    expect(now()).toBeLessThan(600);
  });

  it.each(['0.5 ms', '0 to 1 ms', '0 to 2 ms'])(
    'finds rates within 1.4 times, and tiles within 1.3 times of the best, where submits are late by %s',
    async (late) => {
      for (const { card, rates, milliseconds } of await foundWith(late)) {
        const wrong = TILE_NAMES.map((tile) =>
          KINDS.map((kind) => apart(rates![kind][tile], card[kind][tile])),
        );
        expect(Math.max(...wrong.flat())).toBeLessThan(1.4);
        expect(mostLoss(card, rates)).toBeLessThan(1.3);
        expect(milliseconds).toBeLessThan(950);
      }
    },
  );

  it.each(['0 to 5 ms', 'at times 0 to 30 ms'])(
    'finds a rate, or takes the table for it, where submits are late by %s',
    async (late) => {
      const all = await foundWith(late);
      for (const { card, rates } of all) {
        if (!rates) continue;
        for (const kind of KINDS) {
          const ratios = eachTile((tile) => rates[kind][tile] / MIDDLING[kind][tile]);
          // The median of those that were found remains that of all.
          const ofTable = median(Object.values(ratios));
          for (const tile of TILE_NAMES) {
            const isTables = apart(ratios[tile], ofTable) < 1 + 1e-9;
            if (!isTables) expect(apart(rates[kind][tile], card[kind][tile])).toBeLessThan(1.4);
          }
        }
      }
      const losses = all.map(({ card, rates }) => mostLoss(card, rates));
      const ofTable = all.map(({ card }) => mostLoss(card));
      expect(median(losses)).toBeLessThan(median(ofTable));
      expect(Math.max(...losses)).toBeLessThan(Math.max(...ofTable));
      expect(Math.max(...all.map(({ milliseconds }) => milliseconds))).toBeLessThan(1200);
    },
  );

  it('finds nothing where submits are late by 5 to 15 ms', async () => {
    for (const { rates, milliseconds } of await foundWith('5 to 15 ms')) {
      expect(rates).toBeUndefined();
      expect(milliseconds).toBeLessThan(600);
    }
  });

  /** Timings of a middling card four times as fast, but for those that are not `timed`. */
  const measuredPart = (timed: (work: Work) => boolean) => {
    const of = (kind: 'full' | 'alone') => eachTile((tile) => 4 * MIDDLING[kind][tile]);
    const { seconds, now } = simulatedCard(
      { full: of('full'), alone: of('alone'), packed: [] },
      () => 0.0005,
    );
    return measure(async (work) => {
      const time = await seconds(work);
      return timed(work) ? time : 0.0005;
    }, now);
  };

  it('takes rates of the table in proportion for tiles that no timing tells anything of', async () => {
    const rates = (await measuredPart(({ tile }) => tile === 'large' || tile === 'narrow'))!;
    for (const kind of KINDS) {
      for (const tile of TILE_NAMES) {
        expect(rates[kind][tile] / MIDDLING[kind][tile]).toBeCloseTo(4, 2);
      }
    }
  });

  it('finds nothing where it would not know how many workgroups run side by side', async () => {
    expect(await measuredPart(({ m }) => m === FULL)).toBeUndefined();
    expect(await measuredPart(({ m }) => m < FULL)).toBeUndefined();
    expect(await measuredPart(() => true)).toBeDefined();
  });

  it.each(['0.5 ms', '0 to 1 ms'])(
    'packs weights only where that is faster, where submits are late by %s',
    async (late) => {
      const all = await foundWith(late);
      for (const weights of HALVES) {
        const gains = all.filter(({ card }) => card.packed.includes(weights));
        const found = all.filter(({ rates }) => rates!.packed.includes(weights));
        expect(gains).toEqual(expect.arrayContaining(found));
        expect(found.length).toBeGreaterThan(0.9 * gains.length);
      }
    },
  );

  it('takes a storage whose kernels do not run for one that gains nothing', async () => {
    const { seconds, now } = simulatedCard({ ...MIDDLING, packed: HALVES }, () => 0.0005);
    const rates = await measure(
      (work) => (work.weights === 'f16' ? Promise.reject(new Error('not here')) : seconds(work)),
      now,
    );
    expect(rates!.packed).toEqual(['bf16']);
  });

  it('gives up where submits take long, or the clock stands still', async () => {
    const { seconds, now } = simulatedCard(someCard(0), () => 0.1);
    expect(await measure(seconds, now)).toBeUndefined();
    expect(now()).toBeLessThan(2000);
    expect(
      await measure(
        () => Promise.resolve(0.001),
        () => 0,
      ),
    ).toBeUndefined();
  });
});
