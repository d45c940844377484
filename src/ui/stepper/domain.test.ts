import { expect, it } from 'vitest';
import { domainOf, place } from './domain.ts';

it('holds all values and zero', () => {
  expect(domainOf([2, 5, null])).toEqual([0, 5]);
  expect(domainOf([-2, 5])).toEqual([-2, 5]);
  expect(domainOf([null, 0])).toEqual([-1, 1]);
});

it('places values between the ends', () => {
  expect(place(0, [-2, 6])).toBe(25);
  expect(place(6, [-2, 6])).toBe(100);
});
