import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { lower, type Op } from '../kernel.ts';
import type { View } from '../memory.ts';
import { decode, encode, type Halves, type Storage } from '../storage.ts';
import { KERNELS_FOR, type CardRates, type KernelVariants } from '../variants.ts';
import type { MatmulLayout } from './matmul-prelude.ts';
import { MANY_COLUMNS, MANY_ROWS } from './matmul-on-cpu.ts';
import { MIDDLING, sharesOfK } from './matmul-choice.ts';
import { matmul, matmulAs, matmulInParts } from './matmul.ts';
import { cardLayouts, dynamic, exact, reference, want32, type Case } from './matmul-reference.ts';
import { expectClose, MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  box.clear();
});
afterAll(() => box.close());

/** Odd in all ways; more than one tile, and no whole number of steps; few rows; all whole; the least. */
const SIZES: (readonly [number, number, number])[] = [
  [33, 17, 29],
  [130, 68, 40],
  [9, 52, 530],
  [64, 64, 64],
  [1, 1, 1],
];
const MANY: typeof SIZES = [
  [MANY_ROWS + 18, 50, 29],
  [MANY_ROWS + 2, 48, 32],
  [MANY_ROWS + 2, MANY_COLUMNS, 20],
];

/** Compiling the large tiles takes a software adapter long: they have what differs from the small. */
const VARIANTS = [
  { variant: 'large', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'medium', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'narrow', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
  { variant: 'small', layouts: cardLayouts, sizes: SIZES.slice(0, 4) },
  { variant: 'sliced', layouts: ['nt'], sizes: SIZES.slice(0, 3) },
  { variant: 'thin', layouts: ['nt'], sizes: SIZES.slice(0, 3) },
  { variant: 'few', layouts: ['nt'], sizes: SIZES.slice(0, 3) },
  { variant: 'cpu', layouts: cardLayouts, sizes: SIZES },
  { variant: 'cpu', layouts: cardLayouts, sizes: MANY },
  { variant: 'wide', layouts: cardLayouts, sizes: SIZES.slice(0, 2) },
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
    const old = Float32Array.of(...start, MARK, MARK, MARK, MARK);
    const added = box.put(old);
    const whole = Float32Array.of(...want32(want, (i) => start[i]!), MARK, MARK, MARK, MARK);
    const adding = matmulAs([variant], { ...operands, c: added, accumulate: true });
    await box.run(adding);
    expect(await box.floats(added, m * n + 4)).toEqual(whole);
    box.gpu.upload(added, old);
    await box.runCut(adding);
    expect(await box.floats(added, m * n + 4)).toEqual(whole);
    // All variants and layouts store by the same code.
    if (!['cpu nt', 'cpu nn', 'cpu tn', 'small nt'].includes(`${variant} ${layout}`)) return;
    if (m > MANY_ROWS && layout !== 'nt') return;
    const [plain, biased, summed] = [0, 1, 2].map(() => box.marked(m * n + 4));
    await box.run(
      matmulAs([variant], { ...operands, c: plain! }),
      matmulAs([variant], { ...operands, c: biased!, bias: bias! }),
      matmulAs([variant], { ...operands, c: summed!, residual: box.put(start) }),
    );
    expect(await box.floats(plain!, m * n + 4)).toEqual(
      Float32Array.of(...want, MARK, MARK, MARK, MARK),
    );
    expect(await box.floats(biased!, m * n)).toEqual(want32(want, (i) => z[i % n]!));
    expect(await box.floats(summed!, m * n)).toEqual(want32(want, (i) => start[i]!));
  });
});

it.each([48, MANY_COLUMNS])(
  'cpu: %i columns of a c whose rows are no whole number of vec4s',
  async (n) => {
    if (!hasSubgroups()) return;
    const size = { layout: 'nt', m: MANY_ROWS + 2, n, k: 16 } as const;
    const [x, y] = [exact(size.m * 16, 1), exact(16 * n, 2)];
    const stride = n + 3;
    const c = box.marked(size.m * stride);
    await box.run(
      matmulAs(['cpu'], { ...size, a: box.put(x), b: box.put(y), c: { of: c, offset: 1, stride } }),
    );
    const want = reference(size, x, y);
    const inSlice = (column: number): boolean => column >= 1 && column < n + 1;
    expect(await box.floats(c, size.m * stride)).toEqual(
      Float32Array.from({ length: size.m * stride }, (_, i) => {
        const column = i % stride;
        return inSlice(column) ? want[Math.floor(i / stride) * n + column - 1]! : MARK;
      }),
    );
  },
);

const hasSubgroups = (): boolean => box.gpu.device.features.has('subgroups');

it('few: more columns than one axis of workgroups holds, in several launches', async () => {
  const size = { layout: 'nt', m: 2, n: 4 * 65535 + 8, k: 4 } as const;
  const { m, n, k } = size;
  const [x, y] = [exact(m * k, 1), exact(k * n, 2)];
  const want = Float32Array.from(reference(size, x, y));
  const c = box.marked(m * n);
  const product = matmulAs(['few'], { ...size, a: box.put(x), b: box.put(y), c });
  expect(product.grid(undefined)[2]).toBe(2);
  vi.spyOn(box.gpu.pace, 'budget', 'get').mockReturnValue(2e7);
  const before = box.gpu.counters.dispatches;
  await box.run(product);
  expect(box.gpu.counters.dispatches - before).toBe(4);
  expect(await box.floats(c, m * n)).toEqual(want);
});

describe.each(['f16', 'bf16', 'int8', 'int4'] as const)('weights in %s', (storage) => {
  it.each(['small', 'few', 'cpu', 'wide'] as const)('%s', async (variant) => {
    if (variant === 'cpu' && !hasSubgroups()) return;
    const size = { layout: 'nt', m: 9, n: 20, k: 288 } as const;
    const [x, y] = [exact(9 * 288, 1), seeded(20 * 288, 2)];
    const stored = encode(storage, y);
    const want = reference(size, x, decode(storage, stored.buffer as ArrayBuffer));
    const b = { ...box.put(stored), storage };
    const [c, inParts] = [box.marked(9 * 20), box.marked(9 * 20)];
    const launch = { ...size, a: box.put(x), b };
    await box.run(matmulAs([variant], { ...launch, c }));
    expectClose(await box.floats(c, 9 * 20), want, 1e-4);
    if (variant !== 'small') return;
    await box.run(...matmulInParts(['small'], { ...launch, c: inParts }, () => 3, 3 * 9 * 20));
    expectClose(await box.floats(inParts, 9 * 20), want, 1e-4);
  });
});

it.each(['f16', 'bf16', 'int8', 'int4'] as const)(
  'input gradients through weights in %s',
  async (storage) => {
    const size = { layout: 'nn', m: 9, n: 64, k: 29 } as const;
    const [x, y] = [exact(9 * 29, 1), seeded(29 * 64, 2)];
    const stored = encode(storage, y);
    const want = reference(size, x, decode(storage, stored.buffer as ArrayBuffer));
    const c = box.marked(9 * 64);
    const b = { ...box.put(stored), storage };
    await box.run(matmulAs(['small'], { ...size, a: box.put(x), b, c }));
    expectClose(await box.floats(c, 9 * 64), want, 1e-4);
  },
);

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
  expect(names).toEqual(['small']);
  const size = { layout: 'nt', m: 2, n: 48, k: 16 } as const;
  expect(await own.floats(c, 2 * 48)).toEqual(Float32Array.from(reference(size, x, y)));
  own.close();
});

/** The variants of the products that a replay launches. */
function launched(written: readonly Op<unknown>[], variants: KernelVariants): string[] {
  return lower(written, variants)
    .filter((op) => op.grid(undefined)[0] > 0)
    .map(({ kernel, others = [], pick }) => [kernel, ...others][pick?.(undefined) ?? 0]!.name)
    .filter((name) => !name.startsWith('matmul-sum'))
    .map((name) => name.split(' ', 2)[1]!);
}

it('a card takes the tile that suits each replay, of all that were compiled', () => {
  const view: View = { buffer: {} as GPUBuffer, byteOffset: 0, byteLength: 4 * 128 * 576 };
  let m = 0;
  const size = { layout: 'nt', m: () => m, n: 576, k: 576 } as const;
  const product = matmul({ ...size, a: view, b: { ...view, byteLength: 4 * 576 * 576 }, c: view });
  const taken = [8, 40, 64, 128].map((rows) => {
    m = rows;
    return launched([product], KERNELS_FOR.card);
  });
  expect(taken).toEqual([['few'], ['thin'], ['sliced'], ['sliced']]);
  m = 128;
  const gated = matmul({ ...size, a: view, b: view, c: view, gated: 'silu' });
  expect(launched([gated], KERNELS_FOR.card)).toEqual(['small']);
});

it.each([
  { variant: 'sliced', storage: 'f32', packed: [], m: 61, n: 576, k: 560, rank: 8 },
  { variant: 'sliced', storage: 'int4', packed: [], m: 61, n: 576, k: 576, rank: 0 },
  { variant: 'thin', storage: 'f16', packed: ['f16'], m: 45, n: 16, k: 1536, rank: 24 },
] as const)(
  'a card takes $variant tiles for $m x $n x $k in $storage, with an adapter of rank $rank',
  async ({ variant, storage, packed, m, n, k, rank }) => {
    const own = await Sandbox.open({ ...KERNELS_FOR.card, card: { ...MIDDLING, packed } });
    const size = { layout: 'nt', m, n, k } as const;
    const [x, y] = [exact(m * k, 1), encode(storage, exact(k * n, 2))];
    const want = reference(size, x, decode(storage, y.slice().buffer));
    const residual = exact(m * n, 3);
    const c = own.marked(m * n + 4);
    const [h, up] = [exact(m * rank, 4), exact(n * rank, 5)];
    if (rank) reference({ ...size, k: rank }, h, up).forEach((v, i) => (want[i]! += v));
    const product = matmul({
      ...{ ...size, m: () => m, a: own.put(x), b: { ...own.put(y), storage }, c },
      ...{ residual: own.put(residual), scale: 0.5 },
      ...(rank && { plus: { a: own.put(h), b: own.put(up), k: rank } }),
    });
    expect(launched([product], own.gpu.variants)).toEqual([variant]);
    await own.run(product);
    const got = await own.floats(c, m * n + 4);
    expectClose(
      got.slice(0, m * n),
      want.map((v, i) => 0.5 * v + residual[i]!),
      1e-5,
    );
    expect([...got.slice(m * n)]).toEqual([MARK, MARK, MARK, MARK]);
    own.close();
  },
);

describe('a card that was measured', () => {
  /**
   * One workgroup of a large tile takes all of it, and many small ones are faster: the opposite of what
   * the table says.
   */
  const slow = { large: 1e10, medium: 1e10, narrow: 1e10, small: 1e10 };
  const card: CardRates = {
    full: { ...slow, large: 1e12, small: 1e14 },
    alone: { ...slow, large: 1e12, small: 3e9 },
    packed: [],
  };
  const view: View = { buffer: {} as GPUBuffer, byteOffset: 0, byteLength: 4 * 4096 * 4096 };

  /** The tiles of the products that a replay launches; all sizes but `fixed` are known at replay only. */
  function tilesOf({ layout, ...size }: Case, fixed: { k?: number }, rates?: CardRates): string[] {
    const { m, n, k } = size;
    const sizes = { m: () => m, n: () => n, k: () => k, ...fixed };
    const written = matmul({ layout, a: view, b: view, c: view, ...sizes });
    return launched([written], { ...KERNELS_FOR.card, ...(rates && { card: rates }) });
  }

  it.each([
    ['that is never cut', 'nt', 1024, 48, { k: 48 }, 1],
    ['that may be cut', 'nt', 1024, 48, {}, 1],
    ['that is cut', 'tn', 512, 4096, {}, 2],
  ] as const)('is launched with its fastest tile: k %s', (_, layout, many, k, fixed, least) => {
    const large = { layout, m: many, n: many, k };
    const little = { layout, m: 128, n: 64, k };
    for (const size of [large, little]) {
      const { parts } = sharesOfK(layout, size);
      expect(least === 1 ? parts === 1 : parts >= least).toBe(true);
    }
    expect(tilesOf(large, fixed, card)).toEqual(['small']);
    expect(tilesOf(little, fixed, card)).toEqual(['large']);
    expect(tilesOf(large, fixed)).not.toEqual(['small']);
    expect(tilesOf(little, fixed)).not.toEqual(['large']);
  });

  it('keeps weights in 16 bits packed, forward and backward, if that is faster there', () => {
    const isPacked = (layout: MatmulLayout, storage: Storage, ...packed: Halves[]): boolean => {
      const size = { layout, m: 512, n: 64, k: 4096 };
      const written = matmul({ ...size, a: view, b: { ...view, storage }, c: view });
      const ops = lower([written], { ...KERNELS_FOR.card, card: { ...card, packed } });
      return ops.some(({ kernel }) => kernel.code.includes('2u * B_PITCH'));
    };
    for (const storage of ['f16', 'bf16'] as const) {
      for (const layout of ['nt', 'nn'] as const) {
        expect(isPacked(layout, storage, 'bf16', 'f16')).toBe(true);
        expect(isPacked(layout, storage, storage)).toBe(true);
        expect(isPacked(layout, storage, storage === 'f16' ? 'bf16' : 'f16')).toBe(false);
      }
    }
    expect(isPacked('nt', 'f32', 'f16', 'bf16')).toBe(false);
    expect(isPacked('nt', 'int4', 'f16', 'bf16')).toBe(false);
  });
});
