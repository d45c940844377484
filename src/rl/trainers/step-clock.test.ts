import { afterEach, expect, it, vi } from 'vitest';
import { StepClock } from './step-clock.ts';

afterEach(() => vi.restoreAllMocks());

it('leaves out what is no part of the step', async () => {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const clock = new StepClock();
  now += 300;
  const held = await clock.without(() => {
    now += 5000;
    return Promise.resolve('held');
  });
  now += 200;
  expect(held).toBe('held');
  expect(clock.seconds).toBe(0.5);
});
