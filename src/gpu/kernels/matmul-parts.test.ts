/** Products whose k is cut into parts: the sums of the parts are added up by a launch of its own. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KERNELS_FOR } from '../variants.ts';
import type { MatmulLaunch } from './matmul-launch.ts';
import { cardLayouts, exact, reference, want32, type Case } from './matmul-reference.ts';
import { matmul, matmulInParts } from './matmul.ts';
import { MARK, Sandbox } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  box.clear();
});
afterAll(() => box.close());

describe('k in parts', () => {
  interface Epilogue {
    scale?: number;
    accumulate?: boolean;
    addend?: 'bias' | 'residual';
    /** k of a second product. */
    plus?: number;
  }
  const check = async (
    variant: 'large' | 'medium' | 'narrow' | 'small',
    size: Case,
    parts: number,
    { scale = 1, accumulate = false, addend, plus }: Epilogue,
  ): Promise<void> => {
    const { m, n, k, layout } = size;
    const [a, b, start] = [exact(m * k, 1), exact(k * n, 2), exact(m * n, 3)];
    const want = reference(size, a, b).map((x) => scale * x);
    const [bias, residual] = [exact(n, 4), exact(m * n, 5)];
    const old = Float32Array.of(...start, MARK, MARK, MARK, MARK);
    const c = box.put(old);
    const launch: MatmulLaunch<unknown> = {
      ...{ layout, m, n, a: box.put(a), b: box.put(b), c, accumulate },
      ...(size.layout === 'tn' ? { k: () => k } : { k }),
      ...(scale !== 1 && { scale }),
      ...(addend === 'bias' && { bias: box.put(bias) }),
      ...(addend === 'residual' && { residual: box.put(residual) }),
    };
    if (plus) {
      const [x, y] = [exact(m * plus, 6), exact(plus * n, 7)];
      launch.plus = { a: box.put(x), b: box.put(y), k: plus };
      reference({ ...size, k: plus }, x, y).forEach((value, i) => (want[i]! += scale * value));
    }
    const most = parts * m * (n + 3);
    const added = (i: number): number =>
      (accumulate ? start[i]! : 0) +
      (addend === 'bias' ? bias[i % n]! : addend === 'residual' ? residual[i]! : 0);
    const whole = Float32Array.of(...want32(want, added), MARK, MARK, MARK, MARK);
    await box.run(...matmulInParts([variant], launch, () => parts, most));
    expect(await box.floats(c, m * n + 4)).toEqual(whole);
    box.gpu.upload(c, old);
    await box.runCut(...matmulInParts([variant], launch, () => parts, most));
    expect(await box.floats(c, m * n + 4)).toEqual(whole);
  };

  it.each(cardLayouts)(
    'adds them up, then does what belongs to the result (%s)',
    async (layout) => {
      const odd = { layout, m: 33, n: 17, k: 100 };
      await check('small', odd, 3, { accumulate: true, scale: 0.5 });
      await check('small', { ...odd, n: 20 }, 2, { addend: 'bias' });
      // The last part has nothing to multiply.
      await check('small', { ...odd, k: 29 }, 3, { addend: 'residual' });
      await check('small', { layout, m: 64, n: 64, k: 64 }, 4, { accumulate: true });
      await check('small', odd, 3, { plus: 7, scale: 0.5, addend: 'residual' });
    },
  );

  it.each(['large', 'medium', 'narrow'] as const)('with the tile %s', async (variant) => {
    await check(variant, { layout: 'tn', m: 130, n: 68, k: 100 }, 3, {});
  });

  it('is done by the replays that are long enough', async () => {
    const own = await Sandbox.open(KERNELS_FOR.card);
    const most = { layout: 'tn', m: 48, n: 20, k: 1000 } as const;
    const [x, y] = [exact(48 * 1000, 1), exact(1000 * 20, 2)];
    const [a, b] = [own.put(x), own.put(y)];
    for (const [k, launches] of [
      [40, 1],
      [1000, 2],
    ] as const) {
      const c = own.marked(48 * 20);
      const before = own.gpu.counters.dispatches;
      await own.run(matmul({ ...most, a, b, c, k: () => k }));
      expect(own.gpu.counters.dispatches - before).toBe(launches);
      const want = reference({ ...most, k }, x, y);
      expect(await own.floats(c, 48 * 20)).toEqual(Float32Array.from(want));
    }
    own.close();
  });
});
