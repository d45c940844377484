import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { matmul, matmulAs, type MatmulLayout } from './matmul.ts';
import { MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

/** Multiples of 1/32 in [-1, 1): sums of a thousand products of them are exact in f32. */
function exact(count: number, seed: number): Float32Array {
  return seeded(count, seed).map((x) => Math.floor(32 * x) / 32);
}

interface Case {
  layout: MatmulLayout;
  m: number;
  n: number;
  k: number;
}

/** Float64 C = A B of the three layouts. */
function reference({ layout, m, n, k }: Case, a: Float32Array, b: Float32Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let l = 0; l < k; l++) {
        const x = a[layout === 'tn' ? l * m + i : i * k + l] as number;
        const y = b[layout === 'nt' ? j * k + l : l * n + j] as number;
        c[i * n + j]! += x * y;
      }
    }
  }
  return c;
}

const SIZES = [
  [1, 1, 1],
  [33, 17, 29],
  [64, 64, 64],
  [70, 48, 96],
  [4, 100, 131],
  [36, 5, 44],
] as const;

const variants = ['tiled', 'cpu'] as const;
const layouts = ['nt', 'nn', 'tn'] as const;
const cases = variants.flatMap((variant) => layouts.map((layout) => ({ variant, layout })));

describe.each(cases)('$variant $layout', ({ variant, layout }) => {
  it.each(SIZES)('%i x %i x %i', async (m, n, k) => {
    if (variant === 'cpu' && !hasSubgroups()) return;
    const size = { layout, m, n, k };
    const [x, y, z, start] = [exact(m * k, 1), exact(k * n, 2), exact(n, 3), exact(m * n, 4)];
    // What lies behind an operand must not matter: tokens come and go, and leave their rows there.
    const behind = [NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN];
    const [a, b, bias] = [x, y, z].map((data) => box.put(Float32Array.of(...data, ...behind)));
    const operands = { ...size, a: a!, b: b!, ...dynamic(size) };
    const [plain, added] = [box.marked(m * n + 4), box.put(start)];
    const [biased, summed] = [box.marked(m * n), box.marked(m * n)];
    await box.run(
      matmulAs(variant, { ...operands, c: plain }),
      matmulAs(variant, { ...operands, c: added, accumulate: true }),
      matmulAs(variant, { ...operands, c: biased, bias: bias! }),
      matmulAs(variant, { ...operands, c: summed, residual: box.put(start) }),
    );
    const want = reference(size, x, y);
    expect(await box.floats(plain, m * n + 4)).toEqual(
      Float32Array.of(...want, MARK, MARK, MARK, MARK),
    );
    expect(await box.floats(added, m * n)).toEqual(want32(want, (i) => start[i]!));
    expect(await box.floats(biased, m * n)).toEqual(want32(want, (i) => z[i % n]!));
    expect(await box.floats(summed, m * n)).toEqual(want32(want, (i) => start[i]!));
  });
});

function want32(want: Float64Array, plus: (i: number) => number): Float32Array {
  return Float32Array.from(want, (value, i) => value + plus(i));
}

const hasSubgroups = (): boolean => box.gpu.device.features.has('subgroups');

/** The number of tokens is known at replay only: m, or k in layout tn. */
function dynamic({ layout, m, k }: Case): Partial<Record<'m' | 'k', () => number>> {
  return layout === 'tn' ? { k: () => k } : { m: () => m };
}

it.each(variants)('is run as %s by a device that was opened so', async (variant) => {
  if (variant === 'cpu' && !hasSubgroups()) return;
  const own = await Sandbox.open({ matmul: variant });
  const [x, y] = [exact(64, 1), exact(64, 2)];
  const c = own.marked(64);
  const compile = vi.spyOn(own.gpu, 'pipeline');
  await own.run(matmul({ layout: 'nn', a: own.put(x), b: own.put(y), c, m: 8, n: 8, k: 8 }));
  expect(compile.mock.calls.map(([{ name }]) => name.split(' ', 2))).toEqual([['matmul', variant]]);
  expect(await own.floats(c, 64)).toEqual(
    Float32Array.from(reference({ layout: 'nn', m: 8, n: 8, k: 8 }, x, y)),
  );
  own.close();
});
