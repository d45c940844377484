import { describe, expect, it } from 'vitest';
import {
  formatCompact,
  formatCount,
  formatEstimate,
  formatNumber,
  formatShare,
  formatShareChange,
} from './format.ts';

describe('formatNumber', () => {
  it('writes a real minus, and a plus only when asked', () => {
    expect(formatNumber(-1.234)).toBe('\u22121.23');
    expect(formatNumber(1.234)).toBe('1.23');
    expect(formatNumber(1.234, 1, true)).toBe('+1.2');
  });
  it('gives no sign to a number that rounds to zero', () => {
    expect(formatNumber(-0.001, 2, true)).toBe('0.00');
    expect(formatNumber(0.001, 2, true)).toBe('0.00');
  });
  it('shows a missing number as a dash', () => {
    expect(formatNumber(null)).toBe('–');
    expect(formatNumber(undefined)).toBe('–');
    expect(formatNumber(NaN)).toBe('–');
    expect(formatNumber(Infinity)).toBe('–');
  });
});

describe('formatCompact', () => {
  it('keeps about three digits at any size', () => {
    expect([0.000314159, 0.0421, 1.7321, 214.3, 31_415.9].map(formatCompact)).toEqual([
      '0.000314',
      '0.0421',
      '1.73',
      '214',
      '31,416',
    ]);
  });
  it('handles signs, zero and the very small', () => {
    expect(formatCompact(-2.5)).toBe('\u22122.5');
    expect(formatCompact(0)).toBe('0');
    expect(formatCompact(3e-7)).toBe('3.0e\u22127');
    expect(formatCompact(null)).toBe('–');
  });
});

describe('formatShare', () => {
  it('rounds to whole percents', () => {
    expect([0, 0.256, 1, NaN].map(formatShare)).toEqual(['0%', '26%', '100%', '–']);
  });
});

describe('formatEstimate', () => {
  it('rounds to 5 s, to minutes, and from an hour on to 10 minutes', () => {
    expect([0, 3, 41, 55, 56, 89, 527, 3569].map(formatEstimate)).toEqual([
      '0 s',
      '5 s',
      '45 s',
      '55 s',
      '1 min',
      '1 min',
      '9 min',
      '59 min',
    ]);
    expect([3570, 4700, 7100, 90_000].map(formatEstimate)).toEqual([
      '1 h',
      '1 h 20 min',
      '2 h',
      '25 h',
    ]);
  });
});

describe('formatCount', () => {
  it('gives three digits and a unit', () => {
    expect([72, 73_680, 134_515_008, 1_235_814_400].map(formatCount)).toEqual([
      '72',
      '73.7K',
      '135M',
      '1.24B',
    ]);
  });
});

it.each([
  [0.5, 0.6, ['50%', '60%']],
  [0.931, 0.934, ['93.1%', '93.4%']],
  [0.9996, 0.9998, ['99.96%', '99.98%']],
  [0.93, 0.93, null],
  [0.00001, 0.00002, null],
])('a change from %d to %d is printed as %j', (before, after, printed) => {
  expect(formatShareChange(before, after)).toEqual(printed);
});
