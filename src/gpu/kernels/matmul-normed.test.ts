/** Products with a norm before them, a second matrix beside them, and SwiGLU after them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode } from '../storage.ts';
import { GATES } from './gate-reference.ts';
import { MANY_ROWS } from './matmul-on-cpu.ts';
import { matmulNormed } from './matmul-normed.ts';
import type { Op } from '../kernel.ts';
import type { View } from '../memory.ts';
import { matmulAs } from './matmul.ts';
import { expectClose, MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

const EPS = 1e-3;
const TOLERANCE = 5e-5;

/** Float64 norm(x) [m, k] of rows x. */
function normed(x: Float32Array, weight: Float32Array, k: number): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const row = x.subarray(i - (i % k), i - (i % k) + k);
    const mean = row.reduce((sum, v) => sum + v * v, 0) / k;
    return (value * weight[i % k]!) / Math.sqrt(mean + EPS);
  });
}

/** Float64 scale a [m, k] b [n, k]^T. */
function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { m, n, k }: Record<'m' | 'n' | 'k', number>,
  scale = 1,
): Float64Array {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a[i * k + l]! * b[j * k + l]!;
    return scale * sum;
  });
}

/** Float64 silu(gate) * up of rows gate | up of 2 width numbers. */
function gatedHalf(gateUp: ArrayLike<number>, rows: number, width: number): Float64Array {
  return Float64Array.from({ length: rows * width }, (_, at) => {
    const first = Math.floor(at / width) * 2 * width + (at % width);
    return GATES.silu(gateUp[first]!) * gateUp[first + width]!;
  });
}

/** NaN behind the data: larger batches leave their rows there. */
const put = (data: Float32Array) =>
  box.put(Float32Array.of(...data, ...Array<number>(16).fill(NaN)));

/** Runs the product in one launch, and finds the same bits where each of its workgroups has its own. */
async function runBothWays(product: Op<unknown>, ...results: View[]): Promise<void> {
  const bits = async (run: () => Promise<void>): Promise<Uint32Array[]> => {
    const counts = results.map(({ byteLength }) => byteLength / 4);
    results.forEach((view, i) => box.gpu.upload(view, new Float32Array(counts[i]!).fill(MARK)));
    await run();
    return Promise.all(results.map((view, i) => box.integers(view, counts[i]!)));
  };
  const whole = await bits(() => box.run(product));
  expect(await bits(() => box.runCut(product))).toEqual(whole);
}

function inputs(m: number, n: number, k: number) {
  return {
    x: seeded(m * k, 1, -2, 2),
    weight: seeded(k, 2, 0.5, 1.5),
    b: seeded(n * k, 3),
    bias: seeded(n, 4),
    residual: seeded(m * n, 5),
  };
}

/**
 * Odd in all ways, the halves of gate and up too; several tiles; few rows. Compiling takes a software
 * adapter long: the larger tiles have only what differs from the small ones.
 */
const ODD = [33, 18, 29] as const;
const TILES = [130, 68, 40] as const;
const FEW = [9, 52, 530] as const;
const MANY = [MANY_ROWS + 2, 48, 32] as const;

it.each([
  ['large', TILES],
  ['medium', TILES],
  ['narrow', TILES],
  ['small', TILES],
  ['small', ODD],
  ['few', FEW],
  ['few', ODD],
  ['cpu', ODD],
  ['cpu', TILES],
  ['cpu', MANY],
  ['wide', ODD],
  ['wide', TILES],
] as const)('%s: norm, with a residual: %s', async (variant, [m, n, k]) => {
  const { x, weight, b, residual } = inputs(m, n, k);
  const c = box.marked(m * n);
  const launch = { layout: 'nt', a: put(x), b: put(b), c, m: () => m, n, k } as const;
  const norm = { weight: put(weight), eps: EPS };
  await runBothWays(matmulAs([variant], { ...launch, norm, residual: put(residual) }), c);
  const want = product(normed(x, weight, k), b, { m, n, k }).map((v, i) => v + residual[i]!);
  expectClose(await box.floats(c, m * n), want, TOLERANCE);
});

it.each([
  ['small', TILES, 12],
  ['few', FEW, 12],
  ['few', ODD, 5],
] as const)('%s: norm, bias and a second matrix: %s, %i', async (variant, [m, n, k], width) => {
  const { x, weight, b, bias } = inputs(m, n, k);
  const beside = seeded(width * k, 6);
  const [c, h] = [box.marked(m * n), box.marked(m * width)];
  const launch = { layout: 'nt', a: put(x), b: put(b), c, m: () => m, n, k } as const;
  const norm = { weight: put(weight), eps: EPS };
  const side = { b: put(beside), c: h, n: width, scale: 0.5 };
  await runBothWays(matmulAs([variant], { ...launch, norm, side, bias: put(bias) }), c, h);
  const y = normed(x, weight, k);
  const want = product(y, b, { m, n, k }).map((v, i) => v + bias[i % n]!);
  expectClose(await box.floats(c, m * n), want, TOLERANCE);
  const wantSide = product(y, beside, { m, n: width, k }, 0.5);
  expectClose(await box.floats(h, m * width), wantSide, TOLERANCE);
});

it.each([
  ['small', TILES],
  ['small', ODD],
  ['few', FEW],
  ['few', ODD],
  ['cpu', ODD],
  ['wide', TILES],
] as const)('%s: norm and SwiGLU: %s', async (variant, [m, n, k]) => {
  const { x, weight, b } = inputs(m, n, k);
  const c = box.marked((m * n) / 2);
  const norm = { weight: put(weight), eps: EPS };
  const launch = { layout: 'nt', a: put(x), b: put(b), c, m: () => m, n, k } as const;
  await runBothWays(matmulAs([variant], { ...launch, norm, gated: 'silu' }), c);
  const want = gatedHalf(product(normed(x, weight, k), b, { m, n, k }), m, n / 2);
  expectClose(await box.floats(c, (m * n) / 2), want, TOLERANCE);
});

it.each([
  ['f16', 'few'],
  ['bf16', 'few'],
  ['int8', 'few'],
  ['int4', 'few'],
  ['int4', 'small'],
] as const)('weights in %s: %s', async (storage, variant) => {
  const [m, n, k, width] = [5, 36, 288, 8];
  const { x, weight, b } = inputs(m, n, k);
  const stored = encode(storage, b);
  const held = decode(storage, stored.slice().buffer);
  const beside = seeded(width * k, 6);
  const [c, h, gated] = [box.marked(m * n), box.marked(m * width), box.marked((m * n) / 2)];
  const weights = { ...box.put(stored), storage };
  const launch = { layout: 'nt', a: put(x), b: weights, m: () => m, n, k } as const;
  const norm = { weight: put(weight), eps: EPS };
  const side = { b: put(beside), c: h, n: width, scale: 2 };
  await box.run(
    matmulAs([variant], { ...launch, c, norm, side }),
    matmulAs([variant], { ...launch, c: gated, norm, gated: 'silu' }),
  );
  const y = normed(x, weight, k);
  const want = product(y, held, { m, n, k });
  expectClose(await box.floats(c, m * n), want, TOLERANCE);
  const wantSide = product(y, beside, { m, n: width, k }, 2);
  expectClose(await box.floats(h, m * width), wantSide, TOLERANCE);
  expectClose(await box.floats(gated, (m * n) / 2), gatedHalf(want, m, n / 2), TOLERANCE);
});

describe.each(['blocked', 'cpu', 'wide'] as const)('a device that runs %s', (kind) => {
  let own: Sandbox;
  beforeAll(async () => {
    own = await Sandbox.open({ matmul: kind });
  });
  afterAll(() => own.close());

  it.each([
    [40, 68, 29],
    [7, 30, 260],
    [5, 140, 120],
  ])('norm, second matrix, SwiGLU: %i x %i x %i', async (m, n, k) => {
    if (kind === 'cpu' && !own.gpu.device.features.has('subgroups')) return;
    const { x, weight, b, bias } = inputs(m, n, k);
    const beside = seeded(6 * k, 6);
    const [c, h, gated] = [own.marked(m * n), own.marked(m * 6), own.marked((m * n) / 2)];
    const launch = {
      ...{ x: own.put(x), b: own.put(b), m: () => m, n, k },
      norm: { weight: own.put(weight), eps: EPS },
      normed: own.marked(m * k),
    };
    const side = { b: own.put(beside), c: h, n: 6, scale: 3 };
    await own.run(
      matmulNormed({ ...launch, c, side, bias: own.put(bias) }),
      matmulNormed({ ...launch, c: gated, gated: 'silu' }),
    );
    const y = normed(x, weight, k);
    const want = product(y, b, { m, n, k });
    expectClose(
      await own.floats(c, m * n),
      want.map((v, i) => v + bias[i % n]!),
      TOLERANCE,
    );
    expectClose(await own.floats(h, 6 * m), product(y, beside, { m, n: 6, k }, 3), TOLERANCE);
    expectClose(await own.floats(gated, (m * n) / 2), gatedHalf(want, m, n / 2), TOLERANCE);
  });
});
