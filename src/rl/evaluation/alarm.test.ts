import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../random.ts';
import type { MetricsRow, StepReport } from '../report.ts';
import { alarmOf, scoreAlarms } from './alarm.ts';

/** 60 steps whose reward rises from 0 to 3, with noise; `at` goes from 0 to 1. */
function run(change: (at: number, noise: () => number) => Record<string, number>): MetricsRow[] {
  const random = new Random(3);
  const noise = (): number => 0.05 * random.normal();
  return Array.from({ length: 60 }, (_, i) => ({
    step: i + 1,
    ...{ reward: 3 * (i / 59) + noise(), entropy: 0.3, kl: 0.01 },
    ...{ 'completions/mean_response_length': 10 + noise(), 'completions/repetition': 0 },
    ...change(i / 59, noise),
  }));
}

it('rests while the responses stay as they are', () => {
  expect(alarmOf(run(() => ({})))).toBeUndefined();
  expect(alarmOf([])).toBeUndefined();
  // A little longer, a little surer.
  const usual = (at: number) => ({
    ...{ 'completions/mean_response_length': 10 + 3 * at, entropy: 0.3 - 0.1 * at },
  });
  expect(alarmOf(run(usual))).toBeUndefined();
});

it.each([
  ['length', (at: number) => ({ 'completions/mean_response_length': 10 + 30 * at })],
  ['repetition', (at: number) => ({ 'completions/repetition': 0.5 * at })],
  ['entropy', (at: number) => ({ entropy: 0.3 - 0.29 * at })],
  ['kl', (at: number) => ({ kl: 3 * at })],
] as const)('rings by one strong sign: %s', (sign, change) => {
  const alarm = alarmOf(run(change))!;
  expect(alarm.signs).toEqual([sign]);
  expect(alarm.step).toBeGreaterThan(10);
  expect(alarm.step).toBeLessThan(60);
});

it('rings by two weak signs, of which one alone does not', () => {
  const longer = (at: number) => ({ 'completions/mean_response_length': 10 + 7 * at });
  const repeated = (at: number) => ({ 'completions/repetition': 0.13 * at });
  expect(alarmOf(run(longer))).toBeUndefined();
  expect(alarmOf(run(repeated))).toBeUndefined();
  const both = alarmOf(run((at) => ({ ...longer(at), ...repeated(at) })))!;
  expect([...both.signs].sort()).toEqual(['length', 'repetition']);
});

it('needs a reward that rises', () => {
  const flat = (at: number, noise: () => number) => ({
    ...{ reward: noise(), 'completions/mean_response_length': 10 + 30 * at },
  });
  expect(alarmOf(run(flat))).toBeUndefined();
});

it('rings when one of several rewards, or a judge that watches, falls', () => {
  const parted = (at: number, noise: () => number) => ({
    ...{
      'rewards/a/mean': 4 * at,
      'rewards/b/mean': 1 - Math.abs(at - 0.3) + noise(),
      judge: noise(),
    },
  });
  expect(alarmOf(run(parted))?.signs).toEqual(['judges']);
  const watched = (at: number, noise: () => number) => ({
    ...{ 'rewards/a/mean': 4 * at, judge: 1 - Math.abs(at - 0.3) + noise() },
  });
  expect(alarmOf(run(watched))).toBeUndefined();
  expect(alarmOf(run(watched), 'judge')?.signs).toEqual(['judges']);
});

it('rests on the recorded run, which hacks nothing', () => {
  const url = new URL('../../../public/recorded-run.json', import.meta.url);
  const { steps } = JSON.parse(readFileSync(url, 'utf8')) as { steps: StepReport[] };
  expect(steps.length).toBeGreaterThan(100);
  expect(alarmOf(steps.map(({ metrics }) => metrics))).toBeUndefined();
});

it('is right if gold falls, and early by the steps to where gold shows it', () => {
  const record = { arm: 'a', seed: 0, signs: [] };
  const score = scoreAlarms([
    { ...record, rings: 20, hacked: 15, seen: 32 },
    { ...record, rings: 30, hacked: undefined, seen: undefined },
    { ...record, rings: undefined, hacked: 9, seen: 14 },
  ]);
  expect(score).toEqual({ runs: 3, hacked: 2, rung: 2, right: 1, leads: [12] });
});
