/**
 * The WGSL with which the matmul kernels access memory: it loads a 4 x 4 block of an operand, and
 * it stores four neighbouring numbers of c. Layout, alignment, storage and epilogue are handled
 * here; the kernels only multiply.
 */
import { fetchFours, type Storage } from '../storage.ts';

/** How the operands of C = A B lie in memory; t marks the one that is stored transposed. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

export interface MatmulMemory extends StoredMemory {
  /** c is the sum of one or two products. */
  products: readonly Product[];
  /** Each part of k has a matrix c of its own (see `storeInParts`). */
  inParts: boolean;
}

/** How results are stored. */
export interface StoredMemory {
  /** n, offset and stride of c are multiples of four: c and addend are accessed four at a time. */
  alignedC: boolean;
  /** n is a multiple of the tile's columns: no tile reaches beyond column n. */
  wholeColumns: boolean;
  /** What is added to the product: one row to all of its rows, a matrix of its size, or nothing. */
  addend: 'row' | 'matrix' | 'none';
  accumulate: boolean;
  /** The products are multiplied by the parameter `scale`. */
  scaled: boolean;
}

export interface Product {
  a: Operand;
  b: Operand;
  /** k is a multiple of four: no block reaches beyond the last k. */
  evenK: boolean;
  /** k is a multiple of STEP (matmul-variants.ts): no step reaches beyond it. */
  wholeSteps: boolean;
}

export interface Operand {
  /** Its rows follow k (a in tn, b in nn and tn); else k runs along its rows. */
  kMajor: boolean;
  /** Row length, offset and stride are multiples of four: four neighbours are one vec4. */
  aligned: boolean;
  storage: Storage;
}

export function matmulPrelude(memory: MatmulMemory): string {
  const { products } = memory;
  const places = products.map(
    (_, p) =>
      `k${p}: u32, a${p}_offset: u32, a${p}_stride: u32, b${p}_offset: u32, b${p}_stride: u32,`,
  );
  return `
struct Params {
  m: u32, n: u32, c_offset: u32, c_stride: u32, scale: f32,
  ${places.join('\n  ')}
  first_group: u32,
}
@group(1) @binding(0) var<uniform> p: Params;
${products.map((product, i) => operands(product, i)).join('\n')}
${memory.inParts ? storeInParts() : storePrelude(memory)}
`;
}

function operands({ a, b, evenK }: Product, index: number): string {
  const bind = (x: 'a' | 'b', operand: Operand, binding: number): string => {
    const name = `${x}${index}`;
    const { element, code } = operand.aligned
      ? fetchFours(operand.storage, name)
      : { element: 'f32', code: '' };
    return `
@group(0) @binding(${binding}) var<storage, read> ${name}: array<${element}>;
${code}
${load(name, `k${index}`, operand, evenK)}`;
  };
  return bind('a', a, 2 + 2 * index) + bind('b', b, 3 + 2 * index);
}

/**
 * Loads a 4 x 4 block of operand x. Column i of the block has x at k + i and o..o+3, where o is the
 * other dimension; it is zero beyond the last k. Beyond the last o it has any values: their
 * products are never stored, and WebGPU keeps the load inside the buffer. A loop over k begins at
 * start_x(o), the indices of four rows of x, and adds step_x() for every four of k, so that the
 * loop needs no multiplication for its indices.
 * Where x lies row-major, rows_x gives the block unturned: column i is row o + i.
 */
function load(x: string, end: string, operand: Operand, evenK: boolean): string {
  const { kMajor, aligned } = operand;
  const four = (f: (i: number) => string): string => [0, 1, 2, 3].map(f).join(',\n    ');
  const row = (i: number): string =>
    aligned ? `fetch_${x}(at[${i}])` : `vec4f(${four((j) => `${x}[at[${i}] + ${j}u]`)})`;
  // If k runs along the rows of x, the rows that are loaded must be transposed.
  const turned = !kMajor;
  const whole = evenK || (turned && aligned);
  const masked = (i: number): string => {
    if (whole) return row(i);
    return turned
      ? `select(vec4f(), ${row(i)}, vec4u(k, k + 1u, k + 2u, k + 3u) < vec4u(p.${end}))`
      : `select(vec4f(), ${row(i)}, k + ${i}u < p.${end})`;
  };
  const block = `mat4x4f(
    ${four(masked)})`;
  // Strides and offsets count vec4s if x is read in vec4s.
  const unit = aligned ? ' / 4u' : '';
  const along = `p.${x}_stride${unit}`;
  const from = `p.${x}_offset${unit}`;
  const places = kMajor
    ? `vec4u(0u, 1u, 2u, 3u) * (${along}) + (${from} + o${unit})`
    : `(vec4u(0u, 1u, 2u, 3u) + o) * (${along}) + ${from}`;
  const step = kMajor ? `4u * (${along})` : aligned ? '1u' : '4u';
  return `
fn start_${x}(o: u32) -> vec4u { return ${places}; }
fn step_${x}() -> u32 { return ${step}; }
${
  turned
    ? `fn rows_${x}(at: vec4u, k: u32) -> mat4x4f {
  return ${block};
}
fn load_${x}(at: vec4u, k: u32) -> mat4x4f { return transpose(rows_${x}(at, k)); }`
    : `fn load_${x}(at: vec4u, k: u32) -> mat4x4f {
  return ${block};
}`
}`;
}

/** store(row, column, value) writes four neighbours of c, with the addend; only those inside c. */
export function storePrelude(memory: StoredMemory): string {
  const { alignedC, wholeColumns, addend, accumulate, scaled } = memory;
  const element = alignedC ? 'vec4f' : 'f32';
  const added = { row: ' + addend[row_at]', matrix: ' + addend[at]', none: '' }[addend];
  const product = (value: string): string => (scaled ? `p.scale * ${value}` : value);
  // The addend is indexed as c is: a matrix at the same index, a row as the first row of c.
  const assign = (value: string): string =>
    `c[at] = ${product(value)}${added}${accumulate ? ' + c[at]' : ''};`;
  const at = 'p.c_offset + row * p.c_stride + column';
  const row = 'p.c_offset + column';
  const body = alignedC
    ? `  if (row < p.m${wholeColumns ? '' : ' && column < p.n'}) {
    let at = (${at}) / 4u;
    let row_at = (${row}) / 4u;
    ${assign('value')}
  }`
    : [0, 1, 2, 3]
        .map(
          (i) => `  if (row < p.m && column + ${i}u < p.n) {
    let at = ${at} + ${i}u;
    let row_at = ${row} + ${i}u;
    ${assign(`value[${i}]`)}
  }`,
        )
        .join('\n');
  return `
@group(0) @binding(0) var<storage, read> addend: array<${element}>;
@group(0) @binding(1) var<storage, read_write> c: array<${element}>;
fn store(row: u32, column: u32, value: vec4f) {
${body}
}`;
}

/** store() for partial sums: c is [parts, m, c_stride], and c_stride is a multiple of four. */
function storeInParts(): string {
  return `
@group(0) @binding(0) var<storage, read> addend: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
fn store(row: u32, column: u32, value: vec4f) {
  if (row < p.m && column < p.c_stride) {
    c[((part * p.m + row) * p.c_stride + column) / 4u] = value;
  }
}`;
}
