import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { timeInTurn, type Work } from './timing.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes a known time by the fake clock, and notes its name in `log`. */
const workOf = (name: string, seconds: number, log: string[] = []): Work => ({
  run(count) {
    vi.advanceTimersByTime(1000 * seconds * count);
    log.push(`${name}${count}`);
    return Promise.resolve();
  },
  free: () => undefined,
});

it('times works in turn, each until its budget is spent', async () => {
  const log: string[] = [];
  const works = [workOf('a', 0.05, log), workOf('b', 0.2, log)];
  const [a, b] = await timeInTurn(works, 0.45);
  // 0.1 s of the first is two repetitions; the budget ends in the fifth timing of it.
  expect(log.join(' ')).toBe('a1 b1 a2 b1 a2 b1 a2 b1 a2 a2');
  expect([a!.count, b!.count]).toEqual([2, 1]);
  expect(a!.seconds).toHaveLength(5);
  for (const seconds of a!.seconds) expect(seconds).toBeCloseTo(0.05);
  for (const seconds of b!.seconds) expect(seconds).toBeCloseTo(0.2);
});

it('times three times what fills the budget at once, and once what is long', async () => {
  const [slow, long] = await timeInTurn([workOf('slow', 2), workOf('long', 5)], 0.5);
  expect(slow!.seconds).toEqual([2, 2, 2]);
  expect(long!.seconds).toEqual([5]);
});

it('repeats what is short, but not for ever', async () => {
  const [short] = await timeInTurn([workOf('short', 1e-6)], 0.5);
  expect(short!.count).toBe(256);
  expect(short!.seconds).toHaveLength(9);
});
