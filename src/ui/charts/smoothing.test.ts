import { describe, expect, it } from 'vitest';
import { Smoothed, type Series } from './smoothing.ts';

const steps = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

const smooth = (x: readonly number[], y: Series, smoothing: number): Series =>
  new Smoothed(x, y, smoothing).extend();

describe('Smoothed', () => {
  it('leaves the series alone at 0', () => {
    expect(smooth([1, 2, 2], [3, null, 5], 0)).toEqual([3, null, 5]);
    expect(smooth([2, 2], [3, 5], 0)).toEqual([3, 5]);
  });

  it('is unbiased: a constant stays the constant from its first point on', () => {
    for (const value of smooth(steps(20), Array(20).fill(2.5), 0.9)) expect(value).toBeCloseTo(2.5);
  });

  it('is the weighted mean of what came before, worked by hand', () => {
    const [first, second, third] = smooth([1, 2, 3], [1, 3, 8], 0.5);
    expect(first).toBeCloseTo(1);
    expect(second).toBeCloseTo((0.5 * 1 + 3) / 1.5);
    expect(third).toBeCloseTo((0.25 * 1 + 0.5 * 3 + 8) / 1.75);
  });

  it('forgets by distance in steps, not by number of points', () => {
    const sparse = smooth([1, 11], [0, 1], 0.9)[1];
    const dense = smooth([1, 2], [0, 1], 0.9)[1];
    expect(sparse).toBeCloseTo(1 / (1 + 0.9 ** 10));
    expect(dense).toBeCloseTo(1 / 1.9);
  });

  it('keeps gaps as gaps', () => {
    const smoothed = smooth([1, 2, 3], [1, null, 1], 0.9);
    expect(smoothed[1]).toBeNull();
    expect(smoothed[2]).toBeCloseTo(1);
  });

  it('gives the same values when the series grows piece by piece', () => {
    const x: number[] = [];
    const y: (number | null)[] = [];
    const growing = new Smoothed(x, y, 0.8);
    for (const [i, value] of [4, null, 2, 8, 5].entries()) {
      x.push(3 * i);
      y.push(value);
      growing.extend();
    }
    expect(growing.values).toEqual(smooth(x, y, 0.8));
  });
});
