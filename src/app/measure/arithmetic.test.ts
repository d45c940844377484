import { describe, expect, it } from 'vitest';
import { largestError, median, pattern, roofline } from './arithmetic.ts';

it('takes the middle of the values, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(() => median([])).toThrow('no values');
});

describe('roofline', () => {
  const ceilings = { f32: 1000, bandwidth: 100 };

  it('is bound by the multiply-adds when they take longer than the bytes', () => {
    // 2 s of operations and 1 s of bytes, in 8 s.
    expect(roofline({ seconds: 8, flops: 2000, bytes: 100 }, ceilings)).toEqual({
      bound: 'compute',
      share: 0.25,
    });
  });

  it('is bound by the bandwidth when the bytes take longer', () => {
    // 2 s of operations and 5 s of bytes, in 10 s.
    expect(roofline({ seconds: 10, flops: 2000, bytes: 500 }, ceilings)).toEqual({
      bound: 'bandwidth',
      share: 0.5,
    });
  });
});

describe('the error of a product', () => {
  // a = [[1, 2], [3, 4]], b = [[5, 6], [7, 8]]
  const [a, b, c] = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [19, 22, 43, 50],
  ].map((x) => Float32Array.from(x));
  const transposed = { a: Float32Array.of(1, 3, 2, 4), b: Float32Array.of(5, 7, 6, 8) };
  const size = { m: 2, n: 2, k: 2 };

  it('is zero for the right product in each layout', () => {
    expect(largestError({ layout: 'nn', ...size }, a!, b!, c!, 4)).toBe(0);
    expect(largestError({ layout: 'nt', ...size }, a!, transposed.b, c!, 4)).toBe(0);
    expect(largestError({ layout: 'tn', ...size }, transposed.a, b!, c!, 4)).toBe(0);
  });

  it('is relative to the largest element, and NaN for a NaN', () => {
    const wrong = Float32Array.of(19, 22, 43, 51);
    expect(largestError({ layout: 'nn', ...size }, a!, b!, wrong, 4)).toBe(1 / 50);
    wrong[3] = NaN;
    expect(largestError({ layout: 'nn', ...size }, a!, b!, wrong, 4)).toBeNaN();
  });
});

it('draws numbers in [-1, 1) without a short period', () => {
  const values = pattern(70_000, 1);
  expect(values.every((x) => x >= -1 && x < 1)).toBe(true);
  expect(new Set(values.subarray(0, 65_521)).size).toBeGreaterThan(60_000);
  expect(Math.abs(values.reduce((sum, x) => sum + x, 0) / values.length)).toBeLessThan(0.01);
  expect(values[65_521]).toBe(values[0]);
  expect(pattern(3, 1)).not.toEqual(pattern(3, 2));
});
