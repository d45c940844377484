/**
 * What the matmul kernels know of memory, as WGSL: how a 4 x 4 block of an operand is loaded and how
 * four neighbours of c are stored. Layout, alignment and epilogue are settled here, so that the
 * kernels themselves only multiply.
 */

export interface MatmulMemory {
  /** Rows of the operand follow k (a in tn, b in nn and tn) or its other dimension. */
  a: Operand;
  b: Operand;
  /** n is a multiple of four: c and bias are accessed four at a time. */
  alignedN: boolean;
  bias: boolean;
  accumulate: boolean;
}

export interface Operand {
  kMajor: boolean;
  /** Rows are multiples of four long, so that four neighbours are one vec4. */
  aligned: boolean;
}

export function matmulPrelude({ a, b, alignedN, bias, accumulate }: MatmulMemory): string {
  const element = (aligned: boolean): string => (aligned ? 'vec4f' : 'f32');
  return `
struct Params { m: u32, n: u32, k: u32 }
@group(0) @binding(0) var<storage, read> a: array<${element(a.aligned)}>;
@group(0) @binding(1) var<storage, read> b: array<${element(b.aligned)}>;
@group(0) @binding(2) var<storage, read> bias: array<${element(alignedN)}>;
@group(0) @binding(3) var<storage, read_write> c: array<${element(alignedN)}>;
@group(1) @binding(0) var<uniform> p: Params;
${load('a', 'm', a)}
${load('b', 'n', b)}
${store(alignedN, bias, accumulate)}
`;
}

/**
 * load_x(o, k): column i holds x at o..o+3 and k + i, zero beyond the last k. Beyond the last o it
 * holds anything: those products are never stored, and WebGPU keeps the load inside the buffer.
 */
function load(x: 'a' | 'b', outer: 'm' | 'n', { kMajor, aligned }: Operand): string {
  const four = (f: (i: number) => string): string => [0, 1, 2, 3].map(f).join(',\n    ');
  let block: string;
  if (aligned && kMajor) {
    block = `mat4x4f(
    ${four((i) => `select(vec4f(), ${x}[(min(k + ${i}u, p.k - 1u) * p.${outer} + o) / 4u], k + ${i}u < p.k)`)})`;
  } else if (aligned) {
    block = `transpose(mat4x4f(
    ${four((i) => `${x}[((o + ${i}u) * p.k + k) / 4u]`)}))`;
  } else {
    const at = (o: string, k: string): string =>
      kMajor ? `${k} * p.${outer} + ${o}` : `(${o}) * p.k + ${k}`;
    const row = (i: number, j: number): string =>
      `${x}[${at(`o + ${j}u`, `min(k + ${i}u, p.k - 1u)`)}]`;
    block = `mat4x4f(
    ${four((i) => `select(vec4f(), vec4f(${[0, 1, 2, 3].map((j) => row(i, j)).join(', ')}), k + ${i}u < p.k)`)})`;
  }
  return `
fn load_${x}(o: u32, k: u32) -> mat4x4f {
  return ${block};
}`;
}

/** store(row, column, value): four neighbours of c with bias or residual, those inside c only. */
function store(aligned: boolean, bias: boolean, accumulate: boolean): string {
  const assign = (at: string, column: string, value: string): string =>
    `c[${at}] = ${value}${bias ? ` + bias[${column}]` : ''}${accumulate ? ` + c[${at}]` : ''};`;
  const body = aligned
    ? `  if (row < p.m && column < p.n) {
    ${assign('(row * p.n + column) / 4u', 'column / 4u', 'value')}
  }`
    : [0, 1, 2, 3]
        .map(
          (i) => `  if (row < p.m && column + ${i}u < p.n) {
    ${assign(`row * p.n + column + ${i}u`, `column + ${i}u`, `value[${i}]`)}
  }`,
        )
        .join('\n');
  return `
fn store(row: u32, column: u32, value: vec4f) {
${body}
}`;
}
