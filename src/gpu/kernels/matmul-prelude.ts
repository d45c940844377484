/**
 * The WGSL with which the matmul kernels load a 4 x 4 block of an operand (how they store results is in
 * matmul-store.ts). Layout, alignment, storage and the weight of a norm are handled here; the kernels
 * only multiply.
 */
import { BLOCK, fetchFours, inBlocks, type Halves, type Storage } from '../storage.ts';
import { storeInParts, storePrelude, type StoredMemory } from './matmul-store.ts';

/** How the operands of C = A B lie in memory; t marks the one that is stored transposed. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

export interface MatmulMemory extends StoredMemory {
  /** c is the sum of one or two products. */
  products: readonly Product[];
  /** Each part of k has a matrix c of its own (see `storeInParts`). */
  inParts: boolean;
  /** Rows of A are normalised: B is multiplied by the norm's weight, sums by the row's factor. */
  normed: boolean;
  /** A second matrix B, whose product is written to a buffer of its own. */
  side?: Side;
}

export interface Side {
  b: Operand;
  alignedC: boolean;
}

export interface Product {
  a: Operand;
  b: Operand;
  /** k is a multiple of four: no block reaches beyond the last k. */
  evenK: boolean;
  /** k is a multiple of what the kernel takes at once (`stepOf`): no step reaches beyond it. */
  wholeSteps: boolean;
  /** B is loaded as it is stored: two numbers in a word. */
  packed?: Halves;
}

export interface Operand {
  /** Its rows follow k (a in tn, b in nn and tn); else k runs along its rows. */
  kMajor: boolean;
  /** Row length, offset and stride are multiples of four: four neighbours are one vec4. */
  aligned: boolean;
  storage: Storage;
}

export function matmulPrelude(memory: MatmulMemory): string {
  const { products, inParts, normed, side } = memory;
  const places = products.map(
    (_, p) =>
      `k${p}: u32, a${p}_offset: u32, a${p}_stride: u32, b${p}_offset: u32, b${p}_stride: u32,`,
  );
  return `
struct Params {
  m: u32, n: u32, c_offset: u32, c_stride: u32, scale: f32,
  ${places.join('\n  ')}
  ${normed ? 'eps: f32,' : ''}
  ${side ? 'side_n: u32, side_scale: f32,' : ''}
  first_y: u32, first_x: u32,
}
@group(1) @binding(0) var<uniform> p: Params;
${products.some(({ packed }) => packed) ? TRANSPOSE_HALVES : ''}
${products.map((product, i) => operands(product, i, memory)).join('\n')}
${normed ? normWeight(products[0]!) : ''}
${side ? sideProduct(memory, side) : FIRST_COLUMN}
${inParts ? storeInParts() : storePrelude(memory, side)}
`;
}

/** A 4 x 4 block whose columns are vec2u, two numbers in a word. */
export const HALF_BLOCK = 'array<vec2u, 4>';

const TRANSPOSE_HALVES = `
fn transpose_halves(rows: ${HALF_BLOCK}) -> ${HALF_BLOCK} {
  let even = vec4u(rows[0], rows[2]).xzyw;
  let odd = vec4u(rows[1], rows[3]).xzyw;
  let low = (even & vec4u(0xffffu)) | (odd << vec4u(16u));
  let high = (even >> vec4u(16u)) | (odd & vec4u(0xffff0000u));
  return ${HALF_BLOCK}(low.xy, high.xy, low.zw, high.zw);
}`;

/** The first column of a workgroup's tile. */
const FIRST_COLUMN = 'fn first_column(group: u32) -> u32 { return TILE_COLUMNS * group; }';

function operands({ a, b, evenK, packed }: Product, index: number, memory: MatmulMemory): string {
  const { normed, gated, side } = memory;
  const of = (name: string, operand: Operand): Loaded => ({
    ...{ name, operand, end: `p.k${index}`, evenK },
    ...{ offset: `p.${name}_offset`, stride: `p.${name}_stride` },
  });
  const [x, y] = [`a${index}`, `b${index}`];
  return [
    buffer(x, a, 2 + 2 * index),
    load(of(x, a)),
    buffer(y, b, 3 + 2 * index),
    load({
      ...of(y, b),
      as: side ? 'own' : y,
      normed,
      gated: gated !== undefined,
      ...(packed && { packed }),
    }),
  ].join('\n');
}

/** The binding of an operand; if four neighbours are one vec4, the function that reads them. */
function buffer(name: string, { aligned, storage }: Operand, binding: number): string {
  const { element, code } = aligned ? fetchFours(storage, name) : { element: 'f32', code: '' };
  return `
@group(0) @binding(${binding}) var<storage, read> ${name}: array<${element}>;
${code}`;
}

interface Loaded {
  /** The buffer. */
  name: string;
  /** The name that its functions have; by default that of the buffer. */
  as?: string;
  operand: Operand;
  offset: string;
  stride: string;
  /** The length of k. */
  end: string;
  evenK: boolean;
  normed?: boolean;
  gated?: boolean;
  packed?: Halves;
}

/**
 * Loads a 4 x 4 block of operand x. Column i of the block has x at k + i and o..o+3, where o is the
 * other dimension; it is zero beyond the last k. Beyond the last o it has any values: their
 * products are never stored, and WebGPU keeps the load inside the buffer. A loop over k begins at
 * start_x(o), the indices of four rows of x, and adds step_x() for every four of k, so that the
 * loop needs no multiplication for its indices.
 * Where x lies row-major, rows_x gives the block unturned: column i is row o + i.
 * normed: the rows of x are multiplied by the norm's weight. gated: the four rows are two of gate
 * and the same two of up, so that one invocation has both. packed: the columns are vec2u, as stored.
 */
function load(loaded: Loaded): string {
  const { name, as: x = name, operand, offset, stride, end, evenK, normed, gated, packed } = loaded;
  const { kMajor, aligned } = operand;
  const [type, none, transpose] = packed
    ? [HALF_BLOCK, 'vec2u()', 'transpose_halves']
    : ['mat4x4f', 'vec4f()', 'transpose'];
  const four = (f: (i: number) => string): string => [0, 1, 2, 3].map(f).join(',\n    ');
  // Rows that are stored in blocks begin with one: all have the same place in theirs.
  const fetched = (i: number): string =>
    inBlocks(operand.storage)
      ? `fetch_in_${name}(at[${i}] / ${BLOCK / 4}u, at[0] % ${BLOCK / 4}u)`
      : `fetch_${name}(at[${i}])`;
  const row = (i: number): string => {
    if (packed) return `${name}[at[${i}]]`;
    const numbers = aligned ? fetched(i) : `vec4f(${four((j) => `${name}[at[${i}] + ${j}u]`)})`;
    return numbers + (normed ? ' * weight' : '');
  };
  // If k runs along the rows of x, the rows that are loaded must be transposed.
  const turned = !kMajor;
  const whole = evenK || (turned && aligned);
  const masked = (i: number): string => {
    if (whole) return row(i);
    return turned
      ? `select(${none}, ${row(i)}, vec4u(k, k + 1u, k + 2u, k + 3u) < vec4u(${end}))`
      : `select(${none}, ${row(i)}, k + ${i}u < ${end})`;
  };
  const block = `${normed ? 'let weight = norm_weight_at(k);\n  ' : ''}return ${type}(
    ${four(masked)});`;
  // Strides and offsets count vec4s if x is read in vec4s.
  const unit = aligned ? ' / 4u' : '';
  const along = `${stride}${unit}`;
  const from = `${offset}${unit}`;
  const rows = gated
    ? 'vec4u(0u, 1u, p.n / 2u, p.n / 2u + 1u) + o / 2u'
    : 'vec4u(0u, 1u, 2u, 3u) + o';
  const places = kMajor
    ? `vec4u(0u, 1u, 2u, 3u) * (${along}) + (${from} + o${unit})`
    : `(${rows}) * (${along}) + ${from}`;
  const step = kMajor ? `4u * (${along})` : aligned ? '1u' : '4u';
  return `
fn start_${x}(o: u32) -> vec4u { return ${places}; }
fn step_${x}() -> u32 { return ${step}; }
${
  turned
    ? `fn rows_${x}(at: vec4u, k: u32) -> ${type} {
  ${block}
}
fn load_${x}(at: vec4u, k: u32) -> ${type} { return ${transpose}(rows_${x}(at, k)); }`
    : `fn load_${x}(at: vec4u, k: u32) -> ${type} {
  ${block}
}`
}`;
}

/** norm_weight_at(k): the norm's weights at k to k + 3, any values beyond the last. */
function normWeight({ evenK }: Product): string {
  const scalars = [0, 1, 2, 3].map((i) => `norm_weight[k + ${i}u]`).join(', ');
  return `
@group(0) @binding(4) var<storage, read> norm_weight: array<${evenK ? 'vec4f' : 'f32'}>;
fn norm_weight_at(k: u32) -> vec4f {
  return ${evenK ? 'norm_weight[k / 4u]' : `vec4f(${scalars})`};
}`;
}

/**
 * The tiles of the second matrix B follow those of the first. A workgroup calls first_column first:
 * then it loads and stores what belongs to the matrix of its tile.
 */
function sideProduct({ products, normed }: MatmulMemory, side: Side): string {
  const [{ evenK }] = products as [Product];
  const binding = normed ? 5 : 4;
  const choose = (name: string, parameters: string, given: string, type: string): string =>
    `fn ${name}_b0(${parameters}) -> ${type} {
  if (aside) { return ${name}_side(${given}); }
  return ${name}_own(${given});
}`;
  return `
var<private> aside: bool;
fn first_column(group: u32) -> u32 {
  let tiles = (p.n + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  aside = group >= tiles;
  return TILE_COLUMNS * (group - select(0u, tiles, aside));
}
${buffer('side_b', side.b, binding)}
@group(0) @binding(${binding + 1}) var<storage, read_write> side_c: array<${side.alignedC ? 'vec4f' : 'f32'}>;
${load({
  ...{ name: 'side_b', as: 'side', operand: side.b, end: 'p.k0', evenK, normed },
  ...{ offset: '0u', stride: 'p.k0' },
})}
${choose('start', 'o: u32', 'o', 'vec4u')}
${choose('step', '', '', 'u32')}
${choose('rows', 'at: vec4u, k: u32', 'at, k', 'mat4x4f')}
${choose('load', 'at: vec4u, k: u32', 'at, k', 'mat4x4f')}`;
}
