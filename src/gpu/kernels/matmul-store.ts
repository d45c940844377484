/** The WGSL with which the matmul kernels store results: alignment, epilogue, and what c is. */

import { gateCode, type Gate } from './gate.ts';

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
  /** c is gate(g) * up, and the rows of B are those of g, then those of up. */
  gated: Gate | undefined;
}

/** store(row, column, value) writes four neighbours of c, with the addend; only those inside c. */
export function storePrelude(memory: StoredMemory, side?: { alignedC: boolean }): string {
  const { alignedC, gated } = memory;
  const element = alignedC ? (gated ? 'vec2f' : 'vec4f') : 'f32';
  return `
@group(0) @binding(0) var<storage, read> addend: array<${element}>;
@group(0) @binding(1) var<storage, read_write> c: array<${element}>;
${gated ? storeGated(memory, gated) : store(memory, side)}`;
}

function store(memory: StoredMemory, side?: { alignedC: boolean }): string {
  const { alignedC, wholeColumns, addend, accumulate, scaled } = memory;
  const added = { row: ' + addend[row_at]', matrix: ' + addend[at]', none: '' }[addend];
  const product = (value: string): string => (scaled ? `p.scale * ${value}` : value);
  // The addend is indexed as c is: a matrix at the same index, a row as the first row of c.
  const own = {
    c: 'c',
    ...{ n: 'p.n', offset: 'p.c_offset', stride: 'p.c_stride', alignedC, wholeColumns },
    value: (value: string) => `${product(value)}${added}${accumulate ? ' + c[at]' : ''}`,
  };
  if (!side) return storeFours({ ...own, as: 'store' });
  return `${storeFours({ ...own, as: 'store_own' })}
${storeFours({
  ...{ as: 'store_side', c: 'side_c', n: 'p.side_n', offset: '0u', stride: 'p.side_n' },
  ...{ alignedC: side.alignedC, wholeColumns: false },
  value: (value) => `p.side_scale * ${value}`,
})}
fn store(row: u32, column: u32, value: vec4f) {
  if (aside) { store_side(row, column, value); } else { store_own(row, column, value); }
}`;
}

function storeFours(to: {
  as: string;
  c: string;
  n: string;
  offset: string;
  stride: string;
  alignedC: boolean;
  wholeColumns: boolean;
  value: (value: string) => string;
}): string {
  const at = `${to.offset} + row * ${to.stride} + column`;
  const row = `${to.offset} + column`;
  const body = to.alignedC
    ? `  if (row < p.m${to.wholeColumns ? '' : ` && column < ${to.n}`}) {
    let at = (${at}) / 4u;
    let row_at = (${row}) / 4u;
    ${to.c}[at] = ${to.value('value')};
  }`
    : [0, 1, 2, 3]
        .map(
          (i) => `  if (row < p.m && column + ${i}u < ${to.n}) {
    let at = ${at} + ${i}u;
    let row_at = ${row} + ${i}u;
    ${to.c}[at] = ${to.value(`value[${i}]`)};
  }`,
        )
        .join('\n');
  return `
fn ${to.as}(row: u32, column: u32, value: vec4f) {
${body}
}`;
}

/** Of four columns, two are of gate and two of up (see `load`): they give two neighbours of c. */
function storeGated({ alignedC, wholeColumns }: StoredMemory, gate: Gate): string {
  const body = alignedC
    ? `if (row < p.m${wholeColumns ? '' : ' && column < p.n'}) {
    c[(p.c_offset + row * p.c_stride + column / 2u) / 2u] = inner;
  }`
    : `for (var i = 0u; i < 2u; i++) {
    if (row < p.m && column / 2u + i < p.n / 2u) {
      c[p.c_offset + row * p.c_stride + column / 2u + i] = inner[i];
    }
  }`;
  return `
${gateCode(gate, 'vec2f')}
fn store(row: u32, column: u32, value: vec4f) {
  let inner = gate_of(value.xy) * value.zw;
  ${body}
}`;
}

/** store() for partial sums: c is [parts, m, c_stride], and c_stride is a multiple of four. */
export function storeInParts(): string {
  return `
@group(0) @binding(0) var<storage, read> addend: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
fn store(row: u32, column: u32, value: vec4f) {
  if (row < p.m && column < p.c_stride) {
    c[((part * p.m + row) * p.c_stride + column) / 4u] = value;
  }
}`;
}
