/**
 * The WGSL with which the tiles of matmul-blocked.wgsl copy blocks of the operands to workgroup memory,
 * and read them there.
 */
import { readHalves } from '../storage.ts';
import { HALF_BLOCK, type Product } from './matmul-prelude.ts';

/**
 * place_x(i): the four rows or columns and the four k of block i of a step, so that neighbouring
 * invocations read what lies side by side. copy_x(at, k, end): the block, zeros beyond the last k.
 * put_b(k, i, four) and get_b(k, i): the i-th four columns of B at step k, in workgroup memory.
 */
export function copiesOf(products: readonly Product[]): string {
  const halves = products.some(({ packed }) => packed);
  return [
    // Both products use this memory, one after the other.
    `var<workgroup> tile_b: array<array<${halves ? 'vec2u, 2u * B_PITCH' : 'vec4f, B_PITCH'}>, SLICES * STEP>;`,
    ...products.map(({ a, b, wholeSteps, packed }, p) =>
      [
        copy(`a${p}`, a.kMajor, 'ROW_FOURS', 'mat4x4f', wholeSteps),
        copy(`b${p}`, b.kMajor, 'COLUMN_FOURS', packed ? HALF_BLOCK : 'mat4x4f', wholeSteps),
        packed ? packedTile(p, readHalves(packed, 'four')) : halves ? splitTile(p) : plainTile(p),
      ].join('\n'),
    ),
  ].join('\n');
}

function copy(
  x: string,
  kMajor: boolean,
  fours: string,
  block: string,
  wholeSteps: boolean,
): string {
  return `
fn place_${x}(block: u32) -> vec2u {
  return ${kMajor ? `vec2u(block % ${fours}, block / ${fours})` : 'vec2u(block / STEP_FOURS, block % STEP_FOURS)'};
}
fn copy_${x}(at: vec4u, k: u32, end: u32) -> ${block} {
  ${wholeSteps ? '' : `if (k >= end) { return ${block}(); }\n  `}return load_${x}(at, k);
}`;
}

const plainTile = (p: number): string => `
fn put_b${p}(k: u32, i: u32, four: vec4f) { tile_b[k][i] = four; }
fn get_b${p}(k: u32, i: u32) -> vec4f { return tile_b[k][i]; }`;

/** Weights in 16 bits that stay in them until they are multiplied: half as much is read. */
const packedTile = (p: number, read: string): string => `
fn put_b${p}(k: u32, i: u32, four: vec2u) { tile_b[k][i] = four; }
fn get_b${p}(k: u32, i: u32) -> vec4f {
  let four = tile_b[k][i];
  return ${read};
}`;

/** The adapter's weights beside them, which are f32: in two pieces. */
const splitTile = (p: number): string => `
fn put_b${p}(k: u32, i: u32, four: vec4f) {
  tile_b[k][2u * i] = bitcast<vec2u>(four.xy);
  tile_b[k][2u * i + 1u] = bitcast<vec2u>(four.zw);
}
fn get_b${p}(k: u32, i: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(tile_b[k][2u * i], tile_b[k][2u * i + 1u]));
}`;
