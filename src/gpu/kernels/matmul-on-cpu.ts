/**
 * The matmul kernels for adapters that run shaders on the CPU. Their registers hold four numbers, or a
 * whole workgroup's.
 */
import cpu from './matmul-cpu.wgsl?raw';
import type { MatmulMemory, Product } from './matmul-prelude.ts';
import type { PlannedSize, PlannedSizes } from './matmul-choice.ts';
import wide from './matmul-wide.wgsl?raw';
import { unroll } from './unroll.ts';

export type CpuVariant = 'cpu' | 'wide';

/** A workgroup of the wide kernel: 16 invocations with four columns each, for four blocks of four rows. */
const WIDE = { lanes: 16, r: 4 };

/** Elements of c that a workgroup computes. */
interface Tile {
  rows: number;
  columns: number;
}

/** The tile for what is known of m and n before the first replay. */
export function cpuTile(variant: CpuVariant, { m, n }: Pick<PlannedSizes, 'm' | 'n'>): Tile {
  return variant === 'wide'
    ? { rows: 4 * WIDE.r, columns: 4 * WIDE.lanes }
    : { rows: 16 * rowBlocksOf(m), columns: 16 * columnBlocksOf(n) };
}

/**
 * Blocks of 16 columns in a tile of matmul-cpu. Three are 1.5 times as fast as one, and take 1.5 times
 * as long to compile. Four are no faster than three, but a tenth faster than two.
 */
function columnBlocksOf(n: PlannedSize): number {
  if (typeof n !== 'number') return 1;
  const possible = n >= MANY_COLUMNS ? [3, 4, 2] : [3, 2];
  return possible.find((blocks) => n % (16 * blocks) === 0) ?? 1;
}

/** With fewer columns a product takes so little time that four blocks would not make up for compiling them. */
export const MANY_COLUMNS = 256;

/** From so many rows on, tiles have two blocks of 16 rows: 1.2 times as fast, twice as long to compile. */
export const MANY_ROWS = 128;

function rowBlocksOf(m: PlannedSize): number {
  return (typeof m === 'number' ? m : m.most) >= MANY_ROWS ? 2 : 1;
}

/** For both kernels: the squares of A at four k, row by row, and the factors of the rows. */
const NORM = `
fn squares_of(loaded: mat4x4f) -> vec4f {
  return loaded[0] * loaded[0] + loaded[1] * loaded[1] + loaded[2] * loaded[2] + loaded[3] * loaded[3];
}

fn factors_of(squares: vec4f) -> vec4f {
  return inverseSqrt(squares / f32(p.k0) + p.eps);
}

fn normed(block: mat4x4f, factors: vec4f) -> mat4x4f {
  return mat4x4f(
    block[0] * factors[0],
    block[1] * factors[1],
    block[2] * factors[2],
    block[3] * factors[3],
  );
}`;

/**
 * How often four k are multiplied in a turn of matmul-cpu's loop: twice is a tenth faster. In layout tn, k
 * is the rows of a batch, often known at replay only: then all loads give zeros beyond the last k.
 */
function foursATurn({ a, evenK, wholeSteps }: Product): number {
  const zerosBeyond = a.kMajor && !evenK;
  return wholeSteps || zerosBeyond ? 2 : 1;
}

/** The text of a variant that follows its prelude. */
export function cpuBody(variant: CpuVariant, memory: MatmulMemory, tile: Tile): string {
  const { rows, columns } = tile;
  const { products, normed } = memory;
  const counts = { PRODUCTS: products.length, NORMED: Number(normed) };
  const norm = normed ? NORM : '';
  if (variant === 'wide') {
    return `
const R = ${WIDE.r}u;
const LANES = ${WIDE.lanes}u;
const TILE_COLUMNS = ${columns}u;
${norm}
${unroll(wide, { ...counts, R: WIDE.r })}`;
  }
  const [r, blocks] = [rows / 16, columns / 16];
  const fours = products.map((product, i) => [`FOURS_${i}`, foursATurn(product)] as const);
  return `
const R = ${r}u;
const BLOCKS = ${blocks}u;
const TILE_COLUMNS = ${columns}u;
${norm}
${fours.map(([name, count]) => `const ${name} = ${count}u;`).join('\n')}
${unroll(cpu, { ...counts, ...Object.fromEntries(fours), R: r, BLOCKS: blocks, LANES: 4 })}`;
}
