import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from './pace.ts';

let now = 0;
beforeEach(() => {
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

/** A device that takes so many milliseconds for each submit. */
const paceOf = (milliseconds: () => number): Pace =>
  new Pace(() => {
    now += milliseconds();
    return Promise.resolve();
  });

it('a computer that slept during a submit goes on with submits of a useful size', async () => {
  let slept = 8 * 3_600_000;
  const pace = paceOf(() => slept);
  pace.rate = 50e9;
  const before = pace.budget;
  const one = { work: 1e9 };
  await pace.submitAll([one, one, one], () => undefined);
  const after = pace.budget;
  expect(after).toBeLessThan(before);
  expect(after).toBeGreaterThanOrEqual(5e8);
  // It was no measurement of the card: the next ones bring the size up again.
  slept = 1;
  const many = Array.from({ length: 5000 }, () => one);
  await pace.submitAll(many, () => undefined);
  expect(pace.budget).toBeGreaterThan(before);
});

it('after such a sleep, calls of few submits find out how fast the device is', async () => {
  let slept = 8 * 3_600_000;
  const pace = paceOf(() => slept);
  pace.rate = 1e12;
  await pace.submitAll([{ work: 1e11 }, { work: 1e11 }], () => undefined);
  expect(pace.rate).toBe(5e9);
  // Blocks of tokens: of 50 submits, and shorter than a long measurement.
  slept = 2;
  const block = Array.from({ length: 50 }, () => ({ work: 5e8 }));
  for (let i = 0; i < 10; i++) await pace.submitAll(block, () => undefined);
  expect(pace.rate).toBeGreaterThan(1e11);
});

it('submits become as large as a fast device allows after a few hundred of them', async () => {
  const rate = 10e12;
  let work = 0;
  // A browser says two milliseconds late that a submit has ended.
  const pace = paceOf(() => (1000 * work) / rate + 2);
  const submits = function* () {
    for (let i = 0; i < 400; i++) yield { work: pace.budget };
  };
  await pace.submitAll(submits(), (one) => {
    work = one.work;
  });
  expect(pace.rate).toBeGreaterThan(0.9 * rate);
  expect(pace.rate).toBeLessThanOrEqual(rate);
});

it('calls of two submits each find out how fast the device is, too', async () => {
  const rate = 1e12;
  let work = 0;
  const pace = paceOf(() => (1000 * work) / rate + 2);
  const program = 1e9;
  for (let call = 0; call < 50; call++) {
    const submits = Array.from({ length: 2 }, () => ({ work: program / 2 }));
    await pace.submitAll(submits, (one) => {
      work = one.work;
    });
  }
  // Such a program is one submit then.
  expect(pace.budget).toBeGreaterThan(program);
});

it('one measurement does not raise the size of submits more than twice', async () => {
  let milliseconds = 300;
  const pace = paceOf(() => milliseconds);
  pace.rate = 1e11;
  const one = { work: 3e10 };
  await pace.submitAll([one, one], () => undefined);
  expect(pace.rate).toBe(1e11);
  // The word that much has ended came late, after the word before it, which came later still.
  await pace.submitAll([{ work: 3e12 }, one], () => undefined);
  expect(pace.rate).toBe(2e11);
  // That was wrong, and the next measurement is a short one.
  milliseconds = 100;
  await pace.submitAll([{ work: 1e10 }, one], () => undefined);
  expect(pace.rate).toBe(1e11);
});
