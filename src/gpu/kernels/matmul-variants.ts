/**
 * The matmul kernels for graphics cards: tiles of four shapes that go through workgroup memory, two small ones
 * whose invocations share out k, and one kernel for few rows. matmul-choice.ts says which one a replay takes.
 */
import blocked from './matmul-blocked.wgsl?raw';
import few from './matmul-few.wgsl?raw';
import { copiesOf } from './matmul-copies.ts';
import type { MatmulMemory } from './matmul-prelude.ts';
import type { TileName } from '../variants.ts';
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

/**
 * Both have 256 invocations, and the 16 KB of workgroup memory that every device has. To add up their sums,
 * matmul-blocked.wgsl takes r = c = 1, no norm, and teams that fill whole rows of workgroup memory.
 */
const SLICED = {
  sliced: { rows: 32, columns: 32, r: 1, c: 1, slices: 4, step: 16 },
  thin: { rows: 16, columns: 16, r: 1, c: 1, slices: 16, step: 8 },
} as const satisfies Record<string, Tile>;

const SHAPES = { ...TILES, ...SLICED };
export type SlicedName = keyof typeof SLICED;
export const SLICED_NAMES = Object.keys(SLICED) as SlicedName[];
export type CardVariant = TileName | SlicedName | 'few';
export const isSliced = (variant: CardVariant): variant is SlicedName => variant in SLICED;

/** The few-rows kernel: a workgroup of TEAM invocations computes 4 R rows of four columns. */
const FEW = { team: 64, r: 2 };

export function tileOf(variant: CardVariant): { rows: number; columns: number } {
  return variant === 'few' ? { rows: 4 * FEW.r, columns: 4 } : SHAPES[variant];
}

/** Values of k that a workgroup takes at once. */
export function stepOf(variant: CardVariant): number {
  if (variant === 'few') return 4 * FEW.team;
  const { slices, step } = SHAPES[variant];
  return slices * step;
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
