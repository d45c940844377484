import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { MatmulLayout } from './matmul-prelude.ts';
import { cardVariants } from './matmul-variants.ts';
import { matmul, matmulAs } from './matmul.ts';
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

const cardLayouts = ['nt', 'nn', 'tn'] as const;

/** Odd in all ways; more than one tile, and no whole number of steps; few rows; all whole; the least. */
const SIZES = [
  [33, 17, 29],
  [130, 68, 40],
  [9, 52, 530],
  [64, 64, 64],
  [1, 1, 1],
] as const;

/** Compiling the large tiles takes a software adapter long: they have what differs from the small. */
const VARIANTS = [
  { variant: 'large', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'medium', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'narrow', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'small', layouts: cardLayouts, sizes: SIZES.slice(0, 4) },
  { variant: 'few', layouts: ['nt'], sizes: SIZES.slice(0, 3) },
  { variant: 'cpu', layouts: cardLayouts, sizes: SIZES },
] as const;
const cases = VARIANTS.flatMap(({ variant, layouts, sizes }) =>
  layouts.map((layout) => ({ variant, layout, sizes })),
);

describe.each(cases)('$variant $layout', ({ variant, layout, sizes }) => {
  it.each(sizes)('%i x %i x %i', async (m, n, k) => {
    if (variant === 'cpu' && !hasSubgroups()) return;
    const size = { layout, m, n, k };
    const [x, y, z, start] = [exact(m * k, 1), exact(k * n, 2), exact(n, 3), exact(m * n, 4)];
    // What a buffer has after an operand must not matter: larger batches leave their rows there.
    const behind = [NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN];
    const [a, b, bias] = [x, y, z].map((data) => box.put(Float32Array.of(...data, ...behind)));
    const operands = { ...size, a: a!, b: b!, ...dynamic(size) };
    const want = reference(size, x, y);
    const [plain, added] = [box.marked(m * n + 4), box.put(start)];
    await box.run(
      matmulAs([variant], { ...operands, c: plain }),
      matmulAs([variant], { ...operands, c: added, accumulate: true }),
    );
    expect(await box.floats(plain, m * n + 4)).toEqual(
      Float32Array.of(...want, MARK, MARK, MARK, MARK),
    );
    expect(await box.floats(added, m * n)).toEqual(want32(want, (i) => start[i]!));
    // All variants store by the same code.
    if (variant !== 'small' && variant !== 'cpu') return;
    const [biased, summed] = [box.marked(m * n), box.marked(m * n)];
    await box.run(
      matmulAs([variant], { ...operands, c: biased, bias: bias! }),
      matmulAs([variant], { ...operands, c: summed, residual: box.put(start) }),
    );
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

it.each([
  ['blocked', 'small'],
  ['cpu', 'cpu'],
] as const)('is run as %s by a device that was opened so', async (kind, variant) => {
  if (kind === 'cpu' && !hasSubgroups()) return;
  const own = await Sandbox.open({ matmul: kind });
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

it('compiles no variant that its sizes never pick', async () => {
  const own = await Sandbox.open({ matmul: 'blocked' });
  const c = own.marked(2 * 48);
  const compile = vi.spyOn(own.gpu, 'pipeline');
  const [x, y] = [exact(2 * 16, 1), exact(16 * 48, 2)];
  const launch = { layout: 'nt', a: own.put(x), b: own.put(y), c, n: 48, k: 16 } as const;
  await own.run(matmul({ ...launch, m: () => 2 }));
  const names = compile.mock.calls.map(([{ name }]) => name.split(' ', 2)[1]);
  expect(names).toEqual(['narrow', 'small']);
  const size = { layout: 'nt', m: 2, n: 48, k: 16 } as const;
  expect(await own.floats(c, 2 * 48)).toEqual(Float32Array.from(reference(size, x, y)));
  own.close();
});

describe('the variant for a card', () => {
  const picked = (layout: MatmulLayout, m: number, n: number, k: number): string => {
    const [variant, ...others] = cardVariants(layout, { m, n, k });
    expect(others).toEqual([]);
    return variant!;
  };

  it('has large tiles where there are enough of them, smaller ones where a card would idle', () => {
    expect(picked('nt', 4096, 4096, 4096)).toBe('large');
    expect(picked('nt', 512, 512, 512)).not.toBe('large');
    expect(picked('nt', 32, 512, 48)).toBe('small');
    expect(picked('nn', 3312, 48, 96)).toBe('narrow');
  });

  it('reads the weights once for few rows, where k is long enough to be shared out', () => {
    expect(picked('nt', 8, 576, 576)).toBe('few');
    expect(picked('nt', 8, 576, 48)).not.toBe('few');
    expect(picked('tn', 8, 576, 576)).not.toBe('few');
  });
});
