/**
 * The matmul kernels for adapters that run shaders on the CPU. Their registers hold four numbers, or a
 * whole workgroup's.
 */
import cpu from './matmul-cpu.wgsl?raw';
import type { MatmulMemory } from './matmul-prelude.ts';
import wide from './matmul-wide.wgsl?raw';
import { unroll } from './unroll.ts';

export type CpuVariant = 'cpu' | 'wide';

/** A workgroup of the wide kernel: 16 invocations with four columns each, for four blocks of four rows. */
const WIDE = { lanes: 16, r: 4 };

/** Elements of c that a workgroup computes, for the n of all replays if that is one number. */
export function cpuTile(variant: CpuVariant, n: unknown): { rows: number; columns: number } {
  return variant === 'wide'
    ? { rows: 4 * WIDE.r, columns: 4 * WIDE.lanes }
    : { rows: 16, columns: 16 * blocksOf(n) };
}

/**
 * Blocks of 16 columns in a tile of matmul-cpu. With three blocks it is 1.5 times as fast as with
 * one, and takes 1.5 times as long to compile; with four it is not much faster than with three.
 */
function blocksOf(n: unknown): number {
  return [3, 2].find((blocks) => typeof n === 'number' && n % (16 * blocks) === 0) ?? 1;
}

/** The text of a variant that follows its prelude; `columns` as in `cpuTile`. */
export function cpuBody(variant: CpuVariant, { products }: MatmulMemory, columns: number): string {
  const counts = { PRODUCTS: products.length };
  if (variant === 'wide') {
    return `
const R = ${WIDE.r}u;
const LANES = ${WIDE.lanes}u;
const TILE_COLUMNS = ${columns}u;
${unroll(wide, { ...counts, R: WIDE.r })}`;
  }
  const blocks = columns / 16;
  return `
const BLOCKS = ${blocks}u;
const TILE_COLUMNS = ${columns}u;
${unroll(cpu, { ...counts, BLOCKS: blocks })}`;
}
