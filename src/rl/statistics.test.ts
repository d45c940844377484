import { describe, expect, it } from 'vitest';
import { tInterval, winRate } from './statistics.ts';

describe('tInterval', () => {
  it('is what scipy.stats.t.interval(0.95, 2, mean, sem) gives', () => {
    const { mean, low, high } = tInterval([1.2, 1.5, 0.9]);
    expect(mean).toBeCloseTo(1.2, 12);
    expect(low).toBeCloseTo(0.4547586, 3);
    expect(high).toBeCloseTo(1.9452414, 3);
  });

  it('refuses what has no interval', () => {
    expect(() => tInterval([1])).toThrow(RangeError);
  });
});

describe('winRate', () => {
  it('counts ties half', () => {
    expect(winRate([3, 1, 2, 5], [1, 3, 2, 4])).toBe(0.625);
  });

  it('refuses unequal lists', () => {
    expect(() => winRate([1], [1, 2])).toThrow(RangeError);
  });
});
