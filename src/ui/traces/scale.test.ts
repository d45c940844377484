import { describe, expect, it } from 'vitest';
import { printable, scaleOf, shareOf } from './scale.ts';

describe('scaleOf', () => {
  it('reaches to the largest size of a few values', () => {
    expect(scaleOf('diverging', [1, -3, 2]).limit).toBe(3);
    expect(scaleOf('sequential', []).limit).toBe(0);
  });

  it('does not let one outlier make all others pale', () => {
    const values = [...Array.from({ length: 199 }, () => 1), 1000];
    expect(scaleOf('sequential', values).limit).toBe(1);
  });

  it('is set by the loud tokens, not by the many quiet ones', () => {
    const few = [
      ...Array.from({ length: 1980 }, () => 0.001),
      ...Array.from({ length: 20 }, () => 1),
    ];
    expect(scaleOf('sequential', few).limit).toBe(1);
    const two = [...Array.from({ length: 298 }, (_, i) => 1e-5 * (i % 7)), 0.4, -0.5];
    expect(scaleOf('diverging', two, printable(3)).limit).toBe(0.5);
  });

  it('keeps a single value visible', () => {
    const values = [...Array.from({ length: 199 }, () => 0), -4];
    expect(scaleOf('diverging', values).limit).toBe(4);
  });
});

describe('shareOf', () => {
  it('keeps the sign only on a diverging scale, and stays within 1', () => {
    expect(shareOf(-1, { kind: 'diverging', limit: 4 })).toBe(-0.25);
    expect(shareOf(-1, { kind: 'sequential', limit: 4 })).toBe(0.25);
    expect(shareOf(9, { kind: 'diverging', limit: 4 })).toBe(1);
  });

  it('is 0 without numbers', () => {
    expect(shareOf(NaN, { kind: 'diverging', limit: 4 })).toBe(0);
    expect(shareOf(1, { kind: 'diverging', limit: 0 })).toBe(0);
  });
});
