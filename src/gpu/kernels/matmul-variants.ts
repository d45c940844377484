/**
 * The matmul kernels for graphics cards: tiles of four shapes that go through workgroup memory, and
 * one kernel for few rows. A small model of what each would take picks one by the sizes of a replay.
 */
import blocked from './matmul-blocked.wgsl?raw';
import few from './matmul-few.wgsl?raw';
import type { MatmulLayout, MatmulMemory, Product } from './matmul-prelude.ts';
import { unroll } from './unroll.ts';

/** Values of k that go through workgroup memory at once. */
export const STEP = 16;

interface Tile {
  /** Elements of c that a workgroup computes. */
  rows: number;
  columns: number;
  /** Each invocation computes r blocks of four rows and c blocks of four columns. */
  r: number;
  c: number;
  /** Share of a card's multiply-add rate that the inner loop can reach, by its reads. */
  rate: number;
}

/**
 * Rates are bounds that a compiler for AMD cards (RADV, navi31) gives for f32, not measurements.
 */
const TILES = {
  large: { rows: 128, columns: 64, r: 2, c: 2, rate: 0.87 },
  medium: { rows: 64, columns: 64, r: 2, c: 1, rate: 0.78 },
  narrow: { rows: 128, columns: 16, r: 2, c: 1, rate: 0.7 },
  small: { rows: 32, columns: 32, r: 1, c: 1, rate: 0.5 },
} as const satisfies Record<string, Tile>;

type TileName = keyof typeof TILES;
export type CardVariant = TileName | 'few';

/** The few-rows kernel: a workgroup of TEAM invocations computes 4 R rows of four columns. */
const FEW = { team: 64, r: 2 };

/** Fewer numbers along k than this leave most of its invocations without work. */
const FEW_LEAST_K = 4 * FEW.team;
const FEW_MOST_ROWS = 16;

export function tileOf(variant: CardVariant): { rows: number; columns: number } {
  return variant === 'few' ? { rows: 4 * FEW.r, columns: 4 } : TILES[variant];
}

/**
 * Workgroups that a middling card runs side by side. A tile that makes fewer leaves part of it idle.
 */
const SIDE_BY_SIDE = 96;

/** Index of the variant that takes the least time for a product of m x n x k. */
export function cardVariant(
  variants: readonly CardVariant[],
  { m, n, k }: { m: number; n: number; k: number },
): number {
  const fewRows = m <= FEW_MOST_ROWS && k >= FEW_LEAST_K ? variants.indexOf('few') : -1;
  if (fewRows >= 0) return fewRows;
  const times = variants.map((variant) => {
    if (variant === 'few') return Infinity;
    const { rows, columns, rate } = TILES[variant];
    const tiles = Math.ceil(m / rows) * Math.ceil(n / columns);
    return (Math.max(tiles, SIDE_BY_SIDE) * rows * columns) / rate;
  });
  return times.indexOf(Math.min(...times));
}

/** Sizes that a dimension known at replay only may take. */
const POSSIBLE_SIZES = Array.from({ length: 18 }, (_, i) => 2 ** i);

/** A product's sizes; undefined: known at replay only. */
export interface KnownSizes {
  m: number | undefined;
  n: number | undefined;
  k: number | undefined;
}

/** The variants that some replay of a product can pick: no others need be compiled. */
export function cardVariants(layout: MatmulLayout, { m, n, k }: KnownSizes): CardVariant[] {
  const tiles = Object.keys(TILES) as TileName[];
  // Only in nt do neighbours along k lie side by side in the weights.
  const all: CardVariant[] = layout === 'nt' ? [...tiles, 'few'] : tiles;
  const possible = (size: number | undefined): readonly number[] =>
    size === undefined ? POSSIBLE_SIZES : [size];
  const picked = possible(m).flatMap((rows) =>
    possible(n).flatMap((columns) =>
      possible(k).map((depth) => cardVariant(all, { m: rows, n: columns, k: depth })),
    ),
  );
  return all.filter((_, i) => picked.includes(i));
}

/** The text of a variant that follows its prelude. */
export function variantBody(variant: CardVariant, { products, normed }: MatmulMemory): string {
  const counts = { PRODUCTS: products.length, FOUR: 4, NORMED: Number(normed) };
  if (variant === 'few') {
    return `
const TEAM = ${FEW.team}u;
const TILE_COLUMNS = 4u;
const R = ${FEW.r}u;
${unroll(few, { ...counts, R: FEW.r })}`;
  }
  const { rows, columns, r, c } = TILES[variant];
  const [across, down] = [columns / (4 * c), rows / (4 * r)];
  const invocations = across * down;
  const aBlocks = (rows / 4) * (STEP / 4);
  const bBlocks = (columns / 4) * (STEP / 4);
  return `
const TILE_ROWS = ${rows}u;
const TILE_COLUMNS = ${columns}u;
const STEP = ${STEP}u;
const X_INVOCATIONS = ${across}u;
const Y_INVOCATIONS = ${down}u;
const INVOCATIONS = ${invocations}u;
const A_WHOLE = ${aBlocks % invocations === 0};
const B_WHOLE = ${bBlocks % invocations === 0};
${products.map(copies).join('\n')}
${unroll(blocked, {
  ...counts,
  R: r,
  C: c,
  LOADS_A: Math.ceil(aBlocks / invocations),
  LOADS_B: Math.ceil(bBlocks / invocations),
})}`;
}

/**
 * place_x(i): the four rows or columns and the four k of block i of a step, so that neighbouring
 * invocations read what lies side by side. copy_x(at, k, end): the block, zeros beyond the last k.
 */
function copies({ a, b, wholeSteps }: Product, index: number): string {
  const copy = (x: string, kMajor: boolean, fours: string): string => `
fn place_${x}(block: u32) -> vec2u {
  return ${kMajor ? `vec2u(block % ${fours}, block / ${fours})` : 'vec2u(block / STEP_FOURS, block % STEP_FOURS)'};
}
fn copy_${x}(at: vec4u, k: u32, end: u32) -> mat4x4f {
  ${wholeSteps ? '' : 'if (k >= end) { return mat4x4f(); }\n  '}return load_${x}(at, k);
}`;
  return copy(`a${index}`, a.kMajor, 'ROW_FOURS') + copy(`b${index}`, b.kMajor, 'COLUMN_FOURS');
}
