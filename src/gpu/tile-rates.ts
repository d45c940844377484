/** Finds what is fast on a card from timings of its tiles (kernels/matmul-variants.ts): arithmetic, with a clock given. */
import { MIDDLING } from './kernels/matmul-choice.ts';
import { STEP, TILE_NAMES, tileOf } from './kernels/matmul-variants.ts';
import { HALVES, type Halves } from './storage.ts';
import type { CardRates, TileName, TileRates } from './variants.ts';

/** Launches of one product of m x n x k with the same tile, one after the other. */
export interface Work {
  tile: TileName;
  /** How the weights are stored. */
  weights: 'f32' | Halves;
  /** They stay so in workgroup memory. */
  packed: boolean;
  m: number;
  n: number;
  k: number;
  launches: number;
}

/** Enough rows and columns for more workgroups than a card runs side by side, with every tile. */
export const FULL = 2048;

/** It takes next to no time: its timings show what a submit costs, and how much that varies. */
const LEAST_WORK = workOf('small', 'f32', false);
const LEAST_TIMINGS = 16;

/** Work must take so many times as long as the cost of a submit varies. */
const LEAST_TIMES_NOISE = 5;
/** It must also take so many seconds, for the clocks of some browsers go in steps of 1 ms. */
const LEAST_SECONDS = 5e-3;

/** More work has more launches, not a longer k: operands fit in a card's caches as those of models do. */
const MOST_K = 4096;
/** So many launches that still take less than LEAST_SECONDS do not tell anything. */
const MOST_LAUNCHES = 1024;

/** For the timings of the tiles, and for those of one storage; none begins later. */
const MOST_MILLISECONDS = { tiles: 450, halves: 200 };

/** Two rates, each within a tenth: a smaller gain would often be none, and the plain way is the known one. */
const LEAST_GAIN = 1.1;

/**
 * The rates of a card. Those that were not found in time are the table's (MIDDLING), all multiplied by
 * the same number, so that they fit those that were.
 * @param seconds runs the work and returns its time, with all that a submit costs
 * @param now milliseconds
 * @returns undefined where timings vary too much, take too long or say nothing
 */
export async function measure(
  seconds: (work: Work) => Promise<number>,
  now = () => performance.now(),
): Promise<CardRates | undefined> {
  // Compiling may take longer than all timings; a submit after it waits for nothing else.
  await Promise.all(TILE_NAMES.map((tile) => seconds(workOf(tile, 'f32', false))));
  let end = now() + MOST_MILLISECONDS.tiles;
  const timed = async (work: Work): Promise<number> => (now() < end ? seconds(work) : NaN);

  const least: number[] = [];
  while (least.length < LEAST_TIMINGS) least.push(await timed(LEAST_WORK));
  least.sort((a, b) => a - b);
  const submit = least[0]!;
  // Without the two latest: something else on this machine may have held them up.
  const noise = least.at(-3)! - submit;
  const enough = Math.max(LEAST_SECONDS, LEAST_TIMES_NOISE * noise);
  // One rate of each kind takes about eight times as long.
  if (!(now() + 8 * 1000 * enough < end)) return undefined;

  /** @param expected where to begin, in multiply-adds a second */
  const rateOf = async (product: Omit<Work, 'k' | 'launches'>, expected: number) => {
    const { m, n } = product;
    for (let depth = (expected * enough) / (m * n); ;) {
      const launches = Math.ceil(depth / MOST_K);
      if (launches > MOST_LAUNCHES) return undefined;
      const k = STEP * Math.ceil(depth / launches / STEP);
      const time = async () => (await timed({ ...product, k, launches })) - submit;
      const first = await time();
      const again = first >= enough ? await time() : first;
      const shorter = Math.min(first, again);
      if (Number.isNaN(shorter)) return undefined;
      // Otherwise something else held one of them up, or the card's clock is still rising.
      const agree = Math.abs(first - again) <= Math.max(1.5 * noise, shorter / 10);
      if (shorter >= enough && agree) return (m * n * k * launches) / shorter;
      depth = k * launches * (shorter > enough / 3 ? Math.max(1, (1.4 * enough) / shorter) : 4);
    }
  };

  const full: Found = {};
  const alone: Found = {};
  for (const tile of TILE_NAMES) {
    const product = workOf(tile, 'f32', false);
    full[tile] = await rateOf(
      { ...product, m: FULL, n: FULL },
      expected(full, MIDDLING.full, tile),
    );
    alone[tile] = await rateOf(product, expected(alone, MIDDLING.alone, tile));
  }
  const [ofFull, ofAlone] = [proportion(full, MIDDLING.full), proportion(alone, MIDDLING.alone)];
  // full / alone, the workgroups that run side by side, decides the most. With one of them from the
  // table it can be further from the truth than the table's.
  if (ofFull === undefined || ofAlone === undefined) return undefined;
  const rates = {
    full: filled(full, MIDDLING.full, ofFull),
    alone: filled(alone, MIDDLING.alone, ofAlone),
  };

  const fastest = TILE_NAMES.reduce((a, b) => (rates.full[b] > rates.full[a] ? b : a));
  /** Whether weights in this storage are faster packed, in the tile that is the fastest. */
  const gains = async (weights: Halves): Promise<boolean> => {
    const ways = { plain: workOf(fastest, weights, false), packed: workOf(fastest, weights, true) };
    await Promise.all(Object.values(ways).map(seconds));
    end = now() + MOST_MILLISECONDS.halves;
    const rate = (way: Work) => rateOf({ ...way, m: FULL, n: FULL }, rates.full[fastest]);
    // A card's clock may rise for a while: what is timed before and after has no disadvantage.
    const [before, packed, after] = [
      await rate(ways.plain),
      await rate(ways.packed),
      await rate(ways.plain),
    ];
    if (before === undefined || packed === undefined || after === undefined) return false;
    return packed >= LEAST_GAIN * Math.max(before, after);
  };
  const packed: Halves[] = [];
  for (const weights of HALVES) {
    // What cannot be done here is not faster.
    if (await gains(weights).catch(() => false)) packed.push(weights);
  }
  return { ...rates, packed };
}

/** One tile: kernels differ by whether tiles reach beyond the last column, which none of these does. */
function workOf(tile: TileName, weights: Work['weights'], packed: boolean): Work {
  const { rows, columns } = tileOf(tile);
  return { tile, weights, packed, m: rows, n: columns, k: STEP, launches: 1 };
}

type Found = Partial<Record<TileName, number | undefined>>;

/** The median of found / table, for the tiles that were found. */
function proportion(found: Found, table: TileRates): number | undefined {
  const ratios = TILE_NAMES.flatMap((tile) => {
    const rate = found[tile];
    return rate === undefined ? [] : [rate / table[tile]];
  }).sort((a, b) => a - b);
  if (ratios.length === 0) return undefined;
  const middle = (ratios.length - 1) / 2;
  return (ratios[Math.floor(middle)]! + ratios[Math.ceil(middle)]!) / 2;
}

/** For the first tile far less than the table's: a weak card shall not work for long. */
function expected(found: Found, table: TileRates, tile: TileName): number {
  const by = proportion(found, table);
  return table[tile] * (by === undefined ? 1 / 256 : 1.2 * by);
}

function filled(found: Found, table: TileRates, by: number): TileRates {
  const rates = TILE_NAMES.map((tile) => [tile, found[tile] ?? by * table[tile]]);
  return Object.fromEntries(rates) as TileRates;
}
