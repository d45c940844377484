import { expect, it } from 'vitest';
import { strengthClass, STRENGTHS } from './strength.ts';

it('every share has a class whose strength is near it', () => {
  for (let share = -1; share <= 1; share += 0.01) {
    const [, strength] = new RegExp(`\\.${strengthClass(share)} { --strength: (.+?); }`).exec(
      STRENGTHS,
    )!;
    expect(Math.abs(Number(strength) - Math.abs(share))).toBeLessThanOrEqual(1 / 64 + 1e-9);
  }
  expect([strengthClass(0), strengthClass(-1)]).toEqual(['strength-0', 'strength-32']);
});
