/**
 * Which kernel a card takes for a product, and how k is shared out: by a small model of the time that each
 * would take.
 */
import type { MatmulLayout } from './matmul-prelude.ts';
import {
  isSliced,
  SLICED_NAMES,
  STEP,
  stepOf,
  TILE_NAMES,
  tileOf,
  type CardVariant,
  type SlicedName,
} from './matmul-variants.ts';
import type { CardRates, TileName, TileRates } from '../variants.ts';

/** Fewer numbers along k than this leave most invocations of the kernel for few rows without work. */
const FEW_LEAST_K = stepOf('few');
/**
 * Each further block of its rows reads the weights again. Where a card's cache holds the weights, that costs
 * little, and few tiles, or a launch that adds up parts of k, cost more.
 */
const FEW_MOST_ROWS = { fromMemory: 16, fromCache: 32 };
const CACHED_WEIGHTS = 2 ** 20;

/**
 * A middling card: 4e12 multiply-adds a second, 96 workgroups side by side. The shares of its rate that
 * tiles reach are near their bounds for one AMD card (vega10, results/cards); they are not measurements. With
 * other shares, runs would cut k into other parts and have other sums.
 */
const REACHED = { large: 0.87, medium: 0.78, narrow: 0.7, small: 0.5 };
const ratesOf = (peak: number): TileRates => ({
  large: REACHED.large * peak,
  medium: REACHED.medium * peak,
  narrow: REACHED.narrow * peak,
  small: REACHED.small * peak,
});
export const SIDE_BY_SIDE = 96;
export const MIDDLING: CardRates = {
  full: ratesOf(4e12),
  alone: ratesOf(4e12 / SIDE_BY_SIDE),
  packed: [],
};

/** Its time for one more launch, which waits for the launch before, and its memory's rate. */
const LAUNCH_SECONDS = 5e-6;
const BYTES_A_SECOND = 3e11;

export interface Sizes {
  m: number;
  n: number;
  k: number;
}

function hasFewRows({ m, n, k }: Sizes): boolean {
  const { fromMemory, fromCache } = FEW_MOST_ROWS;
  return k >= FEW_LEAST_K && m <= (n * k <= CACHED_WEIGHTS ? fromCache : fromMemory);
}

/** The time that all workgroups take, each with its part of k. */
function tileSeconds(tile: TileName, { m, n, k }: Sizes, parts: number, card: CardRates): number {
  const { rows, columns } = tileOf(tile);
  const groups = parts * Math.ceil(m / rows) * Math.ceil(n / columns);
  const multiplyAdds = rows * columns * Math.ceil(k / parts);
  return multiplyAdds * Math.max(groups / card.full[tile], 1 / card.alone[tile]);
}

/** Parts of k are no shorter than this. */
const LEAST_PART = 4 * STEP;

/** Parts x blocks of 64 x 64 elements of c are at most this many: it bounds the partial sums' memory. */
const MOST_BLOCKS = 128;
const BLOCK = 64;

function blocksOf(m: number, n: number): number {
  return Math.ceil(m / BLOCK) * Math.ceil(n / BLOCK);
}

/** How k is shared out, where tiles are few and k is long. */
export interface SharesOfK {
  /** Workgroups of their own compute the partial sums of each part, which a second launch adds up. */
  parts: number;
  /** The teams of one workgroup share out k, which is one part then. */
  sliced?: SlicedName;
}

/**
 * The shares that take a middling card the least time. They depend on nothing but the sizes: other shares
 * would give other sums, and a run must give the same numbers again.
 */
export function sharesOfK(layout: MatmulLayout, sizes: Sizes): SharesOfK {
  if (layout === 'nt' && hasFewRows(sizes)) return { parts: 1 };
  const { m, n, k } = sizes;
  const most = Math.min(MOST_BLOCKS / blocksOf(m, n), k / LEAST_PART);
  let best: SharesOfK = { parts: 1 };
  let least = leastSeconds(sizes, 1);
  const consider = (shares: SharesOfK, seconds: number): void => {
    if (seconds >= least) return;
    least = seconds;
    best = shares;
  };
  for (let parts = 2; parts <= most; parts *= 2) {
    // The sums of the parts are written, then read.
    const adding = LAUNCH_SECONDS + (2 * 4 * parts * m * n) / BYTES_A_SECOND;
    consider({ parts }, adding + leastSeconds(sizes, parts));
  }
  // Only decoding has products with so few tiles that are no gradients: other layouts need no more kernels.
  if (layout !== 'nt') return best;
  for (const sliced of SLICED_NAMES) consider({ parts: 1, sliced }, slicedSeconds(sliced, sizes));
  return best;
}

/**
 * Its multiply-adds a second beside those of the small tile, whose inner loop it has: of a whole card (between
 * the bounds for vega10 and for navi31, results/cards), and of one workgroup, which has four times as many
 * invocations.
 */
const SLICED_RATES = {
  sliced: { full: 0.9, alone: 3.5 },
  thin: { full: 0.8, alone: 3 },
} as const satisfies Record<SlicedName, object>;
/** To add up the sums of the teams. */
const SLICED_SECONDS = 2e-6;

function slicedSeconds(tile: SlicedName, { m, n, k }: Sizes): number {
  const { rows, columns } = tileOf(tile);
  const { full, alone } = SLICED_RATES[tile];
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns);
  const multiplyAdds = rows * columns * stepOf(tile) * Math.ceil(k / stepOf(tile));
  const one = Math.max(groups / (full * MIDDLING.full.small), 1 / (alone * MIDDLING.alone.small));
  return SLICED_SECONDS + multiplyAdds * one;
}

function leastSeconds(sizes: Sizes, parts: number): number {
  let least = Infinity;
  for (const tile of TILE_NAMES) {
    least = Math.min(least, tileSeconds(tile, sizes, parts, MIDDLING));
  }
  return least;
}

/** Numbers from row to row of the partial sums. */
export function pitchOf(n: number): number {
  return 4 * Math.ceil(n / 4);
}

/** Elements that the partial sums of any replay take, at most. */
export function mostPartialSums(layout: MatmulLayout, { m, n, k }: PlannedSizes): number {
  if (typeof m !== 'number' || typeof n !== 'number') return MOST_BLOCKS * BLOCK * BLOCK;
  const most = Math.floor(MOST_BLOCKS / blocksOf(m, n));
  const parts = typeof k !== 'number' ? most : sharesOfK(layout, { m, n, k }).parts;
  return parts * m * pitchOf(n);
}

/**
 * Index of the variant that takes the least time for a product whose k is shared out so. Of the tiles that share
 * it out in a workgroup, the one that was compiled.
 */
export function cardVariant(
  variants: readonly CardVariant[],
  sizes: Sizes,
  { parts, sliced }: SharesOfK,
  card: CardRates = MIDDLING,
): number {
  const few = hasFewRows(sizes) ? variants.indexOf('few') : -1;
  if (few >= 0) return few;
  const inTeams = sliced !== undefined && variants.some(isSliced);
  const seconds = variants.map((variant) => {
    if (variant === 'few' || isSliced(variant) !== inTeams) return Infinity;
    return isSliced(variant)
      ? slicedSeconds(variant, sizes)
      : tileSeconds(variant, sizes, parts, card);
  });
  return seconds.indexOf(Math.min(...seconds));
}

/** A size, or the largest that a size known at replay only may have. */
export type PlannedSize = number | { most: number };

export interface PlannedSizes {
  m: PlannedSize;
  n: PlannedSize;
  k: PlannedSize;
}

/** Sizes to try for one that is known at replay only, besides its largest. */
const POSSIBLE_SIZES = [
  ...Array.from({ length: 18 }, (_, i) => 2 ** i),
  // The first that are no longer few: they have the most to gain from a k in parts.
  ...Object.values(FEW_MOST_ROWS).map((rows) => rows + 1),
];

function possibleSizes({ m, n, k }: PlannedSizes): Sizes[] {
  const possible = (size: PlannedSize): readonly number[] => {
    if (typeof size === 'number') return [size];
    const smaller = POSSIBLE_SIZES.filter((possible) => possible < size.most);
    return size.most < Infinity ? [...smaller, size.most] : smaller;
  };
  return possible(m).flatMap((rows) =>
    possible(n).flatMap((columns) =>
      possible(k).map((depth) => ({ m: rows, n: columns, k: depth })),
    ),
  );
}

/**
 * The variants that some replay of a product can pick, with k whole and (if it may be cut) with k cut
 * into parts: no others need be compiled.
 */
export function cardVariants(
  layout: MatmulLayout,
  planned: PlannedSizes,
  card?: CardRates,
  mayCut = true,
): { whole: CardVariant[]; inParts: CardVariant[] } {
  // Only in nt do neighbours along k lie side by side in the weights.
  const all: CardVariant[] = layout === 'nt' ? [...TILE_NAMES, ...SLICED_NAMES, 'few'] : TILE_NAMES;
  const replays = possibleSizes(planned).map((sizes) => {
    const shares = mayCut ? sharesOfK(layout, sizes) : { parts: 1 };
    return { parts: shares.parts, variant: cardVariant(all, sizes, shares, card) };
  });
  const picked = (wanted: (parts: number) => boolean): CardVariant[] =>
    all.filter((_, i) => replays.some(({ parts, variant }) => variant === i && wanted(parts)));
  return { whole: picked((parts) => parts === 1), inParts: picked((parts) => parts > 1) };
}
