/**
 * The matmul kernels for graphics cards: tiles of four shapes that go through workgroup memory, two small ones
 * whose invocations share out k, and one kernel for few rows. A small model of the time that each would take
 * picks one by the sizes of a replay, and decides how k is shared out.
 */
import blocked from './matmul-blocked.wgsl?raw';
import few from './matmul-few.wgsl?raw';
import { copiesOf } from './matmul-copies.ts';
import type { MatmulLayout, MatmulMemory } from './matmul-prelude.ts';
import type { CardRates, TileName, TileRates } from '../variants.ts';
import { unroll } from './unroll.ts';

/** Values of k that go through workgroup memory at once, for a team at most. */
export const STEP = 16;
/** Of these, so many are multiplied in a turn of a loop: it divides every step. */
const UNROLLED = 8;

interface Tile {
  /** Elements of c that a workgroup computes. */
  rows: number;
  columns: number;
  /** Each invocation computes r blocks of four rows and c blocks of four columns. */
  r: number;
  c: number;
  /** Teams of invocations that share out k, and add up their sums at the end. */
  slices: number;
  step: number;
}

const WHOLE = { slices: 1, step: STEP } as const;

const TILES = {
  large: { rows: 128, columns: 64, r: 2, c: 2, ...WHOLE },
  medium: { rows: 64, columns: 64, r: 2, c: 1, ...WHOLE },
  narrow: { rows: 128, columns: 16, r: 2, c: 1, ...WHOLE },
  small: { rows: 32, columns: 32, r: 1, c: 1, ...WHOLE },
} as const satisfies Record<TileName, Tile>;

export const TILE_NAMES = Object.keys(TILES) as TileName[];

/** Both have 256 invocations, and the 16 KB of workgroup memory that every device has. */
const SLICED = {
  sliced: { rows: 32, columns: 32, r: 1, c: 1, slices: 4, step: 16 },
  thin: { rows: 16, columns: 16, r: 1, c: 1, slices: 16, step: 8 },
} as const satisfies Record<string, Tile>;

const SHAPES = { ...TILES, ...SLICED };
type SlicedName = keyof typeof SLICED;
const SLICED_NAMES = Object.keys(SLICED) as SlicedName[];
export type CardVariant = TileName | SlicedName | 'few';
const isSliced = (variant: CardVariant): variant is SlicedName => variant in SLICED;

/** The few-rows kernel: a workgroup of TEAM invocations computes 4 R rows of four columns. */
const FEW = { team: 64, r: 2 };

/** Fewer numbers along k than this leave most of its invocations without work. */
const FEW_LEAST_K = 4 * FEW.team;
/**
 * Rows beyond the first 4 R read the weights again. Where a card's cache holds the weights, that costs
 * little, and few tiles, or a launch that adds up parts of k, cost more.
 */
const FEW_MOST_ROWS = { fromMemory: 16, fromCache: 32 };
const CACHED_WEIGHTS = 2 ** 20;

/** Values of k that a workgroup takes at once. */
export function stepOf(variant: CardVariant): number {
  if (variant === 'few') return STEP;
  const { slices, step } = SHAPES[variant];
  return slices * step;
}

export function tileOf(variant: CardVariant): { rows: number; columns: number } {
  return variant === 'few' ? { rows: 4 * FEW.r, columns: 4 } : SHAPES[variant];
}

/**
 * A middling card: 4e12 multiply-adds a second, 96 workgroups side by side. The shares of its rate that
 * tiles reach are near their bounds for one AMD card (vega10, results/cards); they are not measurements. With
 * other shares, runs would cut k into other parts and have other sums.
 */
const SHARES = { large: 0.87, medium: 0.78, narrow: 0.7, small: 0.5 };
const shares = (of: number): TileRates => ({
  large: SHARES.large * of,
  medium: SHARES.medium * of,
  narrow: SHARES.narrow * of,
  small: SHARES.small * of,
});
export const SIDE_BY_SIDE = 96;
export const MIDDLING: CardRates = {
  full: shares(4e12),
  alone: shares(4e12 / SIDE_BY_SIDE),
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
  const { rows, columns } = TILES[tile];
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

/** Into how many parts a card cuts k. */
export const partsOfK = (layout: MatmulLayout, sizes: Sizes): number =>
  sharesOfK(layout, sizes).parts;

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
  const { rows, columns } = SLICED[tile];
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
  const parts = typeof k !== 'number' ? most : partsOfK(layout, { m, n, k });
  return parts * m * pitchOf(n);
}

/** Index of the variant that takes the least time for a product whose k is shared out so. */
export function cardVariant(
  variants: readonly CardVariant[],
  sizes: Sizes,
  { parts, sliced }: SharesOfK,
  card: CardRates = MIDDLING,
): number {
  const wanted = hasFewRows(sizes) ? 'few' : sliced;
  const at = wanted === undefined ? -1 : variants.indexOf(wanted);
  if (at >= 0) return at;
  const seconds = variants.map((variant) =>
    variant === 'few' || isSliced(variant) ? Infinity : tileSeconds(variant, sizes, parts, card),
  );
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

/** The text of a variant that follows its prelude. */
export function variantBody(variant: CardVariant, memory: MatmulMemory): string {
  const { products, inParts, normed } = memory;
  const counts = { PRODUCTS: products.length, FOUR: 4, NORMED: Number(normed) };
  if (variant === 'few') {
    return `
const TEAM = ${FEW.team}u;
const TILE_COLUMNS = 4u;
const R = ${FEW.r}u;
${unroll(few, { ...counts, R: FEW.r })}`;
  }
  const sliced = isSliced(variant);
  const { rows, columns, r, c, slices, step } = SHAPES[variant];
  const [across, down] = [columns / (4 * c), rows / (4 * r)];
  const invocations = across * down;
  const aBlocks = (rows / 4) * (step / 4);
  const bBlocks = (columns / 4) * (step / 4);
  return `
const TILE_ROWS = ${rows}u;
const TILE_COLUMNS = ${columns}u;
const STEP = ${step}u;
const UNROLLED = ${UNROLLED}u;
const SLICES = ${slices}u;
const PADDING = ${sliced ? 0 : 1}u;
const X_INVOCATIONS = ${across}u;
const Y_INVOCATIONS = ${down}u;
const INVOCATIONS = ${invocations}u;
const A_WHOLE = ${aBlocks % invocations === 0};
const B_WHOLE = ${bBlocks % invocations === 0};
${sliced ? LENGTH_OF_PART : spanOfPart(inParts)}
${copiesOf(products)}
${unroll(blocked, {
  ...counts,
  R: r,
  C: c,
  SLICED: Number(sliced),
  WHOLE: Number(!sliced),
  UNROLLED,
  LOADS_A: Math.ceil(aBlocks / invocations),
  LOADS_B: Math.ceil(bBlocks / invocations),
})}`;
}

/** Whole steps. */
const LENGTH_OF_PART = `fn length_of_part(k: u32, parts: u32) -> u32 {
  return (k + STEP * parts - 1u) / (STEP * parts) * STEP;
}`;

/** span_of_part(k, i, parts): where part i of k begins and ends; all but the last have whole steps. */
function spanOfPart(inParts: boolean): string {
  return `${inParts ? LENGTH_OF_PART : ''}
fn span_of_part(k: u32, part: u32, parts: u32) -> vec2u {
  ${
    inParts
      ? `let length = length_of_part(k, parts);
  return min(vec2u(part * length, (part + 1u) * length), vec2u(k));`
      : 'return vec2u(0u, k);'
  }
}`;
}
