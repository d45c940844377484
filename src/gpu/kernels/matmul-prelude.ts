/**
 * What the matmul kernels know of memory, as WGSL: how a 4 x 4 block of an operand is loaded and how
 * four neighbours of c are stored. Layout, alignment and epilogue are settled here, so that the
 * kernels themselves only multiply.
 */

export interface MatmulMemory {
  /** Rows of the operand follow k (a in tn, b in nn and tn) or its other dimension. */
  a: Operand;
  b: Operand;
  /** k is a multiple of four: no block reaches beyond it. */
  evenK: boolean;
  /** n is a multiple of four: c and the addend are accessed four at a time. */
  alignedN: boolean;
  /** What is added to the product: one row to all of its rows, a matrix of its size, or nothing. */
  addend: 'row' | 'matrix' | 'none';
  accumulate: boolean;
}

export interface Operand {
  kMajor: boolean;
  /** Rows are multiples of four long, so that four neighbours are one vec4. */
  aligned: boolean;
}

export function matmulPrelude({ a, b, evenK, alignedN, addend, accumulate }: MatmulMemory): string {
  const element = (aligned: boolean): string => (aligned ? 'vec4f' : 'f32');
  return `
struct Params { m: u32, n: u32, k: u32 }
@group(0) @binding(0) var<storage, read> a: array<${element(a.aligned)}>;
@group(0) @binding(1) var<storage, read> b: array<${element(b.aligned)}>;
@group(0) @binding(2) var<storage, read> addend: array<${element(alignedN)}>;
@group(0) @binding(3) var<storage, read_write> c: array<${element(alignedN)}>;
@group(1) @binding(0) var<uniform> p: Params;
${load('a', 'm', a, evenK)}
${load('b', 'n', b, evenK)}
${store(alignedN, addend, accumulate)}
`;
}

/**
 * How a 4 x 4 block of x is loaded: column i of the matrix holds x at o..o+3 and k + i, zero beyond
 * the last k. Beyond the last o it holds anything: those products are never stored, and WebGPU keeps
 * the load inside the buffer. A walk along k begins at start_x(o), the places of its four rows, and
 * adds step_x() for every four of k, so that nothing is multiplied inside a loop.
 */
function load(x: 'a' | 'b', outer: 'm' | 'n', operand: Operand, evenK: boolean): string {
  const { kMajor, aligned } = operand;
  const four = (f: (i: number) => string): string => [0, 1, 2, 3].map(f).join(',\n    ');
  // A vec4 of x, or four of its numbers; `by` numbers lie between them.
  const row = (i: number): string =>
    aligned ? `${x}[at[${i}]]` : `vec4f(${four((j) => `${x}[at[${i}] + ${j}u]`)})`;
  // Row-major, k lies along the rows, and what is loaded has to be turned.
  const turned = !kMajor;
  const whole = evenK || (turned && aligned);
  const masked = (i: number): string => {
    if (whole) return row(i);
    return turned
      ? `select(vec4f(), ${row(i)}, vec4u(k, k + 1u, k + 2u, k + 3u) < vec4u(p.k))`
      : `select(vec4f(), ${row(i)}, k + ${i}u < p.k)`;
  };
  const block = `mat4x4f(
    ${four(masked)})`;
  const unit = aligned ? ' / 4u' : '';
  const places = kMajor
    ? `vec4u(0u, 1u, 2u, 3u) * (p.${outer}${unit}) + o${unit}`
    : `(vec4u(0u, 1u, 2u, 3u) + o) * (p.k${unit})`;
  const step = kMajor ? (aligned ? `p.${outer}` : `4u * p.${outer}`) : aligned ? '1u' : '4u';
  return `
fn start_${x}(o: u32) -> vec4u { return ${places}; }
fn step_${x}() -> u32 { return ${step}; }
fn load_${x}(at: vec4u, k: u32) -> mat4x4f {
  return ${turned ? `transpose(${block})` : block};
}`;
}

/** store(row, column, value): four neighbours of c with what is added, those inside c only. */
function store(aligned: boolean, addend: MatmulMemory['addend'], accumulate: boolean): string {
  const added = {
    row: (_: string, column: string) => ` + addend[${column}]`,
    matrix: (at: string) => ` + addend[${at}]`,
    none: () => '',
  }[addend];
  const assign = (at: string, column: string, value: string): string =>
    `c[${at}] = ${value}${added(at, column)}${accumulate ? ` + c[${at}]` : ''};`;
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
