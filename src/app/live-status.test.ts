import { expect, it } from 'vitest';
import { secondsPerStep } from './live-status.ts';

it('the pace is the mean of the last ten steps, also of those with an evaluation', () => {
  expect(secondsPerStep([])).toBe(0);
  expect(secondsPerStep([3])).toBe(3);
  expect(secondsPerStep([100, ...Array.from({ length: 9 }, () => 1), 11])).toBe(2);
});

it('a computer that slept for a night does not change the pace', () => {
  expect(secondsPerStep([1, 1, 1, 8 * 3600, 1])).toBe(1);
  expect(secondsPerStep([1, 8 * 3600])).toBe(1);
});
