/** How the attention kernels for graphics cards are cut into blocks, and their text. */
import { resolve, type Dyn, type Grid, type Kernel, type ParamType } from '../kernel.ts';
import scores from './attention-blocked-scores.wgsl?raw';
import walk from './attention-blocked-walk.wgsl?raw';
import { vec4s, type Pass } from './attention-tiling.ts';
import { unroll } from './unroll.ts';

interface Block {
  headVecs: number;
  /** Invocations side by side; each takes every x-th column and every x-th vec4 of a head. */
  x: number;
  /** Invocations one below the other. */
  y: number;
  /** An invocation takes four rows in each of so many groups. */
  groups: number;
  /** Weights go through workgroup memory in so many parts, `keys` columns of an invocation in each. */
  parts: number;
  keys: number;
  /** vec4s of a head that go through workgroup memory at once. */
  chunk: number;
}

function largestDivisor(count: number, limit: number): number {
  return Array.from({ length: limit }, (_, i) => limit - i).find((i) => count % i === 0) as number;
}

/** Larger ones read less for each multiply-add. x: the most invocations side by side. */
const SHAPES = [
  { groups: 2, keys: 4, x: 10 },
  { groups: 2, keys: 3, x: 10 },
  { groups: 1, keys: 4, x: 10 },
  { groups: 1, keys: 2, x: 16 },
];

/** Score columns of an invocation are in two parts, so that workgroup memory holds half the weights. */
const PARTS = 2;

/** Scores that an invocation holds for each pair of row and column, and sums for each row. */
const PRODUCTS = { forward: 1, dq: 2, dkv: 2 };
const SUMS = { forward: 1, dq: 1, dkv: 2 };

/** Compilers need the rest of 255 for addresses and for values in flight. */
const REGISTERS = 208;

/**
 * The largest block of a pass whose values fit in registers. Its workgroup memory stays within 11 KiB.
 * undefined: heads of up to 16, and sizes that cannot be shared evenly, take the tiled kernel.
 */
export function blockOf(headDim: number, pass: Pass): Block | undefined {
  const headVecs = vec4s(headDim);
  for (const { groups, keys, ...limit } of SHAPES) {
    const x = largestDivisor(headVecs, limit.x);
    const row = 4 * (headVecs / x) * SUMS[pass] + PARTS * keys * PRODUCTS[pass] + 4;
    if (headVecs <= 4 || x <= 4 || 4 * groups * row > REGISTERS) continue;
    const y = Math.floor(128 / groups / x);
    return { headVecs, x, y, groups, parts: PARTS, keys, chunk: largestDivisor(headVecs, 2) };
  }
  return undefined;
}

/** Workgroups for `tokens` rows of `heads` heads. */
export function blockGrid<D>(tokens: Dyn<D>, heads: number, { y, groups }: Block) {
  return (dims: D): Grid => [Math.ceil(resolve(tokens, dims) / (4 * y * groups)), heads];
}

/** `kernel` with its text completed for a block; `kept` says which of its marked parts are kept. */
export function blocked<P extends Record<string, ParamType>>(
  kernel: Kernel<P>,
  block: Block,
  pass: Pass,
  kept: Record<string, boolean> = {},
): Kernel<P> {
  const { headVecs, x, y, groups, parts, keys, chunk } = block;
  const rowFours = y * groups;
  const rows = 4 * rowFours;
  const part = keys * x;
  const columns = part * parts;
  // Odd, so that invocations that read neighbouring rows use different banks.
  const pitch = chunk + 1 - (chunk % 2);
  const constants = {
    HEAD_VECS: headVecs,
    VECS: headVecs / x,
    X: x,
    Y: y,
    INVOCATIONS: x * y,
    ROWS: rows,
    ROW_FOURS: rowFours,
    GROUPS: groups,
    PARTS: parts,
    KEYS: keys,
    PART: part,
    COLUMNS: columns,
    CHUNK: chunk,
    PITCH: pitch,
    // The weights of a part are first in `block`, and then the maxima of the rows.
    MAXIMA: part * rowFours,
    BLOCK: Math.max((rows + columns) * pitch, (part + (pass === 'forward' ? x : 0)) * rowFours),
  };
  const counts = {
    ...{ ...constants, PRODUCTS: pass === 'forward' ? 1 : 2, FOUR: 4 },
    ...Object.fromEntries(Object.entries(kept).map(([part, on]) => [part, Number(on)])),
  };
  return {
    ...kernel,
    name: `${kernel.name} ${headVecs}: ${x}x${y}x${groups} ${parts}x${keys}`,
    code: [
      ...Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`),
      ...(pass === 'dkv' ? [] : [walk]),
      unroll(kernel.code.replace(/^ *@include scores\n/m, scores), counts),
    ].join('\n'),
  };
}
