import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { MatmulLayout } from './matmul-prelude.ts';
import { cardVariant, cardVariants } from './matmul-variants.ts';
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

/** Odd in all ways; whole tiles and steps; more than one tile, and no whole number of steps; few rows. */
const SIZES = [
  [33, 17, 29],
  [64, 64, 64],
  [130, 68, 40],
  [1, 1, 1],
  [9, 52, 530],
] as const;

/** Compiling the large tiles takes a software adapter long: they have what differs from the small. */
const VARIANTS = [
  { variant: 'large', layouts: cardLayouts, sizes: SIZES.slice(0, 3) },
  { variant: 'medium', layouts: cardLayouts, sizes: SIZES.slice(0, 3) },
  { variant: 'narrow', layouts: cardLayouts, sizes: SIZES.slice(0, 3) },
  { variant: 'small', layouts: cardLayouts, sizes: SIZES },
  { variant: 'few', layouts: ['nt'], sizes: SIZES },
  { variant: 'quad', layouts: cardLayouts, sizes: SIZES },
] as const;
const cases = VARIANTS.flatMap(({ variant, layouts, sizes }) =>
  layouts.map((layout) => ({ variant, layout, sizes })),
);

describe.each(cases)('$variant $layout', ({ variant, layout, sizes }) => {
  it.each(sizes)('%i x %i x %i', async (m, n, k) => {
    if (variant === 'quad' && !box.gpu.has('subgroups')) return;
    const size = { layout, m, n, k };
    const [x, y, z, start] = [exact(m * k, 1), exact(k * n, 2), exact(n, 3), exact(m * n, 4)];
    // What lies behind an operand must not matter: tokens come and go, and leave their rows there.
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
    if (variant !== 'small' && variant !== 'quad') return;
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

/** The number of tokens is known at replay only: m, or k in layout tn. */
function dynamic({ layout, m, k }: Case): Partial<Record<'m' | 'k', () => number>> {
  return layout === 'tn' ? { k: () => k } : { m: () => m };
}

it('runs the variant that the device has chosen', async () => {
  const [a, b] = [box.put(exact(64, 1)), box.put(exact(64, 2))];
  const launch = { layout: 'nn', a, b, m: 8, n: 8, k: 8 } as const;
  const outputs: Float32Array[] = [];
  for (const quads of [false, true]) {
    if (quads && !box.gpu.has('subgroups')) continue;
    box.gpu.quads = quads;
    const c = box.marked(64);
    const written = matmul({ ...launch, c });
    const { kernel } = written.adapt!(box.gpu);
    expect(kernel.name).toContain(quads ? 'quad' : 'large');
    await box.run(written);
    outputs.push(await box.floats(c, 64));
  }
  for (const output of outputs) expect(output).toEqual(outputs[0]);
});

describe('the variant for a card', () => {
  const picked = (layout: MatmulLayout, m: number, n: number, k: number): string => {
    const variants = cardVariants(layout);
    return variants[cardVariant(variants, { m, n, k })]!;
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
