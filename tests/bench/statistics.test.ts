import { describe, expect, it } from 'vitest';
import { largestError, median } from './statistics.ts';

describe('median', () => {
  it('is the middle value, or the mean of the middle two', () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 2])).toBe(2);
    expect(median([4, 1, 10, 2])).toBe(3);
  });
});

describe('largestError', () => {
  const shape = { name: 'x', m: 2, n: 2, k: 3, transposed: false };
  const a = Float32Array.of(1, 2, 3, 4, 5, 6);
  const b = Float32Array.of(1, 0, 0, 1, 1, 1); // [3, 2]
  const bTransposed = Float32Array.of(1, 0, 1, 0, 1, 1);
  const c = Float32Array.of(4, 5, 10, 11);

  it('is zero for the product, whatever the layout', () => {
    expect(largestError(shape, a, b, c, 4)).toBe(0);
    expect(largestError({ ...shape, transposed: true }, a, bTransposed, c, 4)).toBe(0);
  });

  it('is relative to the largest element, and no number where one is missing', () => {
    expect(largestError(shape, a, b, Float32Array.of(4, 5, 10, 13.2), 4)).toBeCloseTo(0.2);
    expect(largestError(shape, a, b, Float32Array.of(4, NaN, 10, 11), 4)).toBeNaN();
  });
});
