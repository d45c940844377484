import { afterEach, expect, it, vi } from 'vitest';
import { Pace } from './pace.ts';

afterEach(() => vi.restoreAllMocks());

it('a computer that slept during a submit goes on with submits of a useful size', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  let slept = 0;
  const pace = new Pace(() => {
    now += slept;
    return Promise.resolve();
  });
  const cautious = pace.budget;
  const one = { work: 1e9 };
  slept = 8 * 3_600_000;
  await pace.submitAll([one, one, one], () => undefined);
  const after = pace.budget;
  expect(after).toBeLessThan(cautious);
  expect(after).toBeGreaterThanOrEqual(5e8);
  // It was no measurement of the card: the next ones bring the size up again.
  slept = 1;
  const many = Array.from({ length: 5000 }, () => one);
  await pace.submitAll(many, () => undefined);
  expect(pace.budget).toBeGreaterThan(cautious);
});
