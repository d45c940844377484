/** Products with weights that stay packed in workgroup memory: to the bit those with weights unpacked. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Op } from '../kernel.ts';
import type { View } from '../memory.ts';
import { encode, HALVES } from '../storage.ts';
import type { CardRates } from '../variants.ts';
import { MIDDLING } from './matmul-choice.ts';
import { matmulAs, matmulInParts } from './matmul.ts';
import { MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

/** Odd in all ways; whole steps; k known at replay only. */
const PACKED = [
  { layout: 'nt', m: 9, n: 20, k: 36, fixed: true },
  { layout: 'nt', m: 33, n: 65, k: 64, fixed: true },
  { layout: 'nt', m: 5, n: 7, k: 44, fixed: false },
  { layout: 'nn', m: 9, n: 20, k: 29, fixed: true },
  { layout: 'nn', m: 33, n: 64, k: 32, fixed: true },
  { layout: 'nn', m: 5, n: 36, k: 29, fixed: false },
] as const;

describe.each(HALVES)('weights in %s that stay packed', (storage) => {
  const card = { ...MIDDLING, packed: [storage] };
  const launchOf = ({ fixed, ...size }: (typeof PACKED)[number]) => {
    const { layout, m, n, k } = size;
    // B lies within a larger matrix whose other numbers must not matter.
    const [rows, columns] = layout === 'nt' ? [n, k] : [k, n];
    const stride = columns + 8;
    const large = new Float32Array((rows + 2) * stride).fill(NaN);
    const numbers = seeded(k * n, 2);
    for (let row = 0; row < rows; row++) {
      large.set(numbers.subarray(row * columns, (row + 1) * columns), (row + 1) * stride + 4);
    }
    const of = { ...box.put(encode(storage, large)), storage };
    const b = { of, offset: stride + 4, stride };
    return { ...size, a: box.put(seeded(m * k, 1)), b, ...(!fixed && { m: () => m, k: () => k }) };
  };
  /** The products with weights packed and unpacked are the same to the bit. */
  const expectSame = async (
    count: number,
    run: (c: View, choice: { card?: CardRates }) => Op<unknown>[],
  ) => {
    const [want, got] = [box.marked(count + 4), box.marked(count + 4)];
    const [unpacked, packed] = [run(want, {}), run(got, { card })];
    expect(packed[0]!.kernel.code).toContain('vec2u, 2u * B_PITCH');
    expect(unpacked[0]!.kernel.code).not.toContain('2u * B_PITCH');
    await box.run(...unpacked, ...packed);
    expect(await box.floats(got, count + 4)).toEqual(await box.floats(want, count + 4));
    expect(await box.floats(got, count)).not.toContain(MARK);
    expect((await box.floats(got, count)).every(Number.isFinite)).toBe(true);
  };

  it.each(PACKED)('$layout $m x $n x $k', async (size) => {
    const launch = launchOf(size);
    await expectSame(size.m * size.n, (c, choice) => [
      matmulAs(['small'], { ...launch, c }, choice),
    ]);
  });

  // The tiles have the same text, which takes long to compile.
  const tiles = storage === 'f16' ? (['large', 'medium', 'narrow', 'sliced', 'thin'] as const) : [];
  it.each(tiles)('in a tile %s', async (variant) => {
    const launch = launchOf(PACKED[1]);
    await expectSame(33 * 65, (c, choice) => [matmulAs([variant], { ...launch, c }, choice)]);
  });

  it('beside an adapter, with a bias, for a gate, and with k in parts', async () => {
    const launch = launchOf(PACKED[0]);
    const [h, up, bias] = [9 * 8, 20 * 8, 20].map((count, i) => box.put(seeded(count, 3 + i)));
    const plus = { a: h!, b: up!, k: 8 };
    const size = PACKED[0];
    const count = size.m * size.n;
    await expectSame(count, (c, choice) => [
      matmulAs(['small'], { ...launch, plus, bias: bias!, scale: 0.5, c }, choice),
    ]);
    // A second product with weights in 16 bits, and one that adds to what is there.
    await expectSame(count, (c, choice) => [
      matmulAs(['small'], { ...launch, plus: { a: launch.a, b: launch.b, k: size.k }, c }, choice),
      matmulAs(['small'], { ...launch, accumulate: true, scale: 2, c }, choice),
    ]);
    await expectSame(count / 2, (c, choice) => [
      matmulAs(['small'], { ...launch, gated: 'silu', c }, choice),
    ]);
    await expectSame(count, (c, choice) =>
      matmulInParts(['small'], { ...launch, c }, () => 2, 2 * count, choice.card),
    );
  });

  it('are unpacked where a norm multiplies them, and by the kernel for few rows', () => {
    const launch = { ...launchOf(PACKED[0]), c: box.marked(9 * 20) };
    const norm = { weight: box.marked(36), eps: 1e-6 };
    for (const [variant, more] of [
      ['small', { norm }],
      ['few', {}],
    ] as const) {
      const { kernel } = matmulAs([variant], { ...launch, ...more }, { card });
      expect(kernel.code).not.toContain('2u * B_PITCH');
    }
  });
});
