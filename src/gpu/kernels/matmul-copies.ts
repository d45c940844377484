/**
 * The WGSL with which the tiles of matmul-blocked.wgsl copy blocks of the operands to workgroup memory,
 * and read them there.
 */
import { readHalves } from '../storage.ts';
import type { Product } from './matmul-prelude.ts';

/**
 * Workgroup memory of the operand B. Weights in 16 bits may stay in them until they are multiplied: they
 * take half the memory and half of its reads, and sums are the same.
 */
export function tileMemory(products: readonly Product[]): string {
  const tile = (name: string, type: string): string =>
    `var<workgroup> ${name}: array<array<${type}, B_PITCH>, STEP>;\n`;
  return (
    (products.some(({ packed }) => !packed) ? tile('tile_b', 'vec4f') : '') +
    (products.some(({ packed }) => packed) ? tile('packed_tile_b', 'vec2u') : '')
  );
}

/**
 * place_x(i): the four rows or columns and the four k of block i of a step, so that neighbouring
 * invocations read what lies side by side. copy_x(at, k, end): the block, zeros beyond the last k.
 * put_b(k, i, four) and get_b(k, i): the i-th four columns of B at step k, in workgroup memory.
 */
export function copies({ a, b, wholeSteps, packed }: Product, index: number): string {
  const copy = (x: string, kMajor: boolean, fours: string, block: string): string => `
fn place_${x}(block: u32) -> vec2u {
  return ${kMajor ? `vec2u(block % ${fours}, block / ${fours})` : 'vec2u(block / STEP_FOURS, block % STEP_FOURS)'};
}
fn copy_${x}(at: vec4u, k: u32, end: u32) -> ${block} {
  ${wholeSteps ? '' : `if (k >= end) { return ${block}(); }\n  `}return load_${x}(at, k);
}`;
  const [tile, four, block] = packed
    ? ['packed_tile_b', 'vec2u', 'array<vec2u, 4>']
    : ['tile_b', 'vec4f', 'mat4x4f'];
  return `${copy(`a${index}`, a.kMajor, 'ROW_FOURS', 'mat4x4f')}
${copy(`b${index}`, b.kMajor, 'COLUMN_FOURS', block)}
fn put_b${index}(k: u32, i: u32, four: ${four}) { ${tile}[k][i] = four; }
fn get_b${index}(k: u32, i: u32) -> vec4f {
  let four = ${tile}[k][i];
  return ${packed ? readHalves(packed, 'four') : 'four'};
}`;
}
