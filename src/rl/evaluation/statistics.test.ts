import { describe, expect, it } from 'vitest';
import { mean } from '../statistics.ts';
import { Random } from '../random.ts';
import { isSeparable } from './controlled.ts';
import {
  bootstrap,
  hierarchicalBootstrap,
  quantile,
  tInterval,
  wilsonInterval,
} from './intervals.ts';
import {
  instructionDifficulty,
  lengthControlledInterval,
  lengthControlledWinRate,
} from './length-controlled.ts';
import { levelsFromScores, wildBenchScore } from './levels.ts';
import { fitLogistic, sigmoid } from './logistic.ts';
import { styleControlledInterval, type Battle } from './style-controlled.ts';
import { styleOf } from './style.ts';
import { verdicts, winRate } from './win-rate.ts';

describe('tInterval', () => {
  it('equals scipy.stats.t.interval(0.95, 2, mean, sem)', () => {
    const { mean, low, high } = tInterval([1.2, 1.5, 0.9]);
    expect(mean).toBeCloseTo(1.2, 12);
    expect(low).toBeCloseTo(0.4547586, 3);
    expect(high).toBeCloseTo(1.9452414, 3);
  });

  it('refuses a single value', () => {
    expect(() => tInterval([1])).toThrow(RangeError);
  });
});

describe('wilsonInterval', () => {
  const choices = (wins: number, ties: number, losses: number): number[] => [
    ...Array.from({ length: wins }, () => 1),
    ...Array.from({ length: ties }, () => 0.5),
    ...Array.from({ length: losses }, () => 0),
  ];

  // statsmodels 0.15.0: proportion_confint(wins + ties / 2, count, alpha=0.05, method='wilson').
  it.each([
    { of: choices(0, 0, 24), low: 0, high: 0.13797620467498026 },
    { of: choices(24, 0, 0), low: 0.8620237953250198, high: 1 },
    { of: choices(0, 24, 0), low: 0.3142742581957335, high: 0.6857257418042665 },
    { of: choices(15, 5, 4), low: 0.5294765966190305, high: 0.8656176429049369 },
    { of: choices(3, 0, 7), low: 0.10779126740630104, high: 0.6032218525388546 },
    { of: choices(1, 0, 0), low: 0.2065493143772374, high: 1 },
  ])('equals the interval of statsmodels: $low to $high', ({ of, low, high }) => {
    const interval = wilsonInterval(of);
    expect(interval.mean).toBe(mean(of));
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  });

  it('refuses no values', () => {
    expect(() => wilsonInterval([])).toThrow(RangeError);
  });
});

describe('bootstrap', () => {
  const random = new Random(3);
  const values = Array.from({ length: 400 }, () => random.normal());

  it('has the width of the normal interval for a mean', () => {
    const { low, high } = bootstrap(400, (indices) => mean(indices.map((i) => values[i]!)));
    expect((high - low) / 2).toBeCloseTo(1.96 / Math.sqrt(400), 1);
    expect((high - low) / 2 / (1.96 / Math.sqrt(400))).toBeGreaterThan(0.85);
    expect((high - low) / 2 / (1.96 / Math.sqrt(400))).toBeLessThan(1.15);
  });

  it('is the same for the same seed, and differs for another', () => {
    const run = (seed: number) => hierarchicalBootstrap([values, values], { seed, resamples: 50 });
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it('includes the spread between seeds, which more prompts do not reduce', () => {
    const runs = [-1, 0, 1].map((shift) => values.map((value) => value + shift));
    const wide = hierarchicalBootstrap(runs, { resamples: 500 });
    const narrow = hierarchicalBootstrap([values, values, values], { resamples: 500 });
    expect(wide.mean).toBeCloseTo(mean(values), 10);
    expect(wide.high - wide.low).toBeGreaterThan(4 * (narrow.high - narrow.low));
  });

  it('refuses runs with different prompts', () => {
    expect(() => hierarchicalBootstrap([[1, 2], [1]])).toThrow(/same prompts/);
  });

  it('has the quantiles of numpy', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(quantile([5], 0.975)).toBe(5);
  });
});

describe('winRate', () => {
  it('counts ties half', () => {
    expect(winRate([3, 1, 2, 5], [1, 3, 2, 4])).toBe(0.625);
  });

  it('counts small differences as ties', () => {
    expect(verdicts([3, 1, 2.1], [1, 3, 2], 0.2)).toEqual([1, 0, 0.5]);
  });

  it('refuses unequal lists', () => {
    expect(() => winRate([1], [1, 2])).toThrow(RangeError);
  });
});

describe('fitLogistic', () => {
  it('finds log-odds of shares', () => {
    const outcomes = [...new Array<number>(300).fill(1), ...new Array<number>(100).fill(0)];
    const [weight] = fitLogistic(
      outcomes.map(() => [1]),
      outcomes,
    );
    expect(weight).toBeCloseTo(Math.log(3), 3);
  });

  it('stays finite if one side wins everything', () => {
    const [weight] = fitLogistic([[1], [1], [1]], [1, 1, 1]);
    expect(weight).toBeGreaterThan(3);
    expect(weight).toBeLessThan(10);
  });
});

/** Verdicts drawn from the model that the regression assumes. */
function simulated(count: number, theta: number, phi: number, gap: number) {
  const random = new Random(7);
  return Array.from({ length: count }, () => {
    const difference = gap + 30 * random.normal();
    const p = sigmoid(theta + phi * Math.tanh(difference / 30));
    return { verdict: random.uniform() < p ? 1 : 0, length: 200 + difference, baselineLength: 200 };
  });
}

describe('lengthControlledWinRate', () => {
  it('is the raw win rate if lengths are equal', () => {
    const rows = [1, 1, 1, 0, 0.5].map((verdict) => ({ verdict, length: 9, baselineLength: 9 }));
    expect(lengthControlledWinRate(rows)).toBeCloseTo(0.7, 2);
  });

  it('removes wins that length alone explains', () => {
    const rows = simulated(4000, 0, 2, 30);
    expect(mean(rows.map((row) => row.verdict))).toBeGreaterThan(0.7);
    expect(lengthControlledWinRate(rows)).toBeCloseTo(0.5, 1);
    expect(Math.abs(lengthControlledWinRate(rows) - 0.5)).toBeLessThan(0.04);
  });

  it('keeps wins that length does not explain, with an interval around them', () => {
    const rows = simulated(2000, 1, 2, 0);
    const { mean: rate, low, high } = lengthControlledInterval(rows, { resamples: 60 });
    expect(Math.abs(rate - sigmoid(1))).toBeLessThan(0.04);
    expect(low).toBeLessThan(sigmoid(1));
    expect(high).toBeGreaterThan(sigmoid(1));
  });

  it('distinguishes hard instructions from easy ones', () => {
    const [easy, hard] = instructionDifficulty([
      [1, 0],
      [1, 0],
      [1, 0.5],
    ]) as [number, number];
    expect(easy).toBeLessThan(0);
    expect(hard).toBeCloseTo(-easy, 12);
  });
});

describe('a difference in style that is nearly the same everywhere', () => {
  /** 512 verdicts, 70% of them won, with our responses longer by gap +- deviation. */
  const verdictsOf = (gap: number, deviation: number, seed = 5) => {
    const random = new Random(seed);
    return Array.from({ length: 512 }, (_, i) => {
      const length = 40 + gap + deviation * random.normal();
      return { verdict: i % 10 < 7 ? 1 : 0, length, baselineLength: 40 };
    });
  };
  const battlesOf = (gap: number, deviation: number, seed?: number) =>
    verdictsOf(gap, deviation, seed).map(({ verdict, length, baselineLength }): Battle => {
      const plain = { headers: 0, lists: 0, bold: 0 };
      const [style, baselineStyle] = [length, baselineLength].map((l) => ({ ...plain, length: l }));
      return { level: verdict === 1 ? 0.5 : -0.5, style: style!, baselineStyle: baselineStyle! };
    });
  const few = { resamples: 40 };
  const raw = mean(verdictsOf(0, 0).map(({ verdict }) => verdict));

  it.each([
    ['constant', 20, 0],
    ['constant except for rounding', 20 / 3, 1e-14],
    ['nearly constant', 20, 1],
    ['nearly constant and negative', -20, 1],
    ['a little less constant', 20, 5],
  ])('%s: the rate is the raw one, with controlled: false', (_, gap, deviation) => {
    for (const seed of [1, 2, 3]) {
      const [rows, battles] = [verdictsOf(gap, deviation, seed), battlesOf(gap, deviation, seed)];
      expect(lengthControlledWinRate(rows)).toBeCloseTo(raw, 12);
      for (const interval of [
        lengthControlledInterval(rows, few),
        styleControlledInterval(battles, few),
      ]) {
        expect(interval).toMatchObject({
          mean: expect.closeTo(raw, 12) as number,
          controlled: false,
        });
        expect(interval.low).toBeGreaterThan(0.6);
        expect(interval.high).toBeLessThan(0.8);
      }
    }
  });

  it.each([
    ['no difference', 0, 0],
    ['a mean difference as large as its deviation', 20, 20],
    ['a mean difference a little larger', 20, 15],
  ])('%s: style is controlled for', (_, gap, deviation) => {
    const rows = verdictsOf(gap, deviation);
    const { controlled, mean: rate } = lengthControlledInterval(rows, few);
    expect(controlled).toBe(true);
    expect(rate).toBe(lengthControlledWinRate(rows));
    expect(styleControlledInterval(battlesOf(gap, deviation), few).controlled).toBe(true);
  });

  it('can be in several features together, but in none of them alone', () => {
    const random = new Random(2);
    const rows = Array.from({ length: 200 }, () => {
      const [a, b] = [random.normal(), 0.01 * random.normal()];
      return [1 + a, 1 - a + b];
    });
    expect(isSeparable(rows.map(([a]) => [a!]))).toBe(true);
    expect(isSeparable(rows.map(([, b]) => [b!]))).toBe(true);
    expect(isSeparable(rows)).toBe(false);
    // Two proportional features count as one.
    expect(isSeparable(rows.map(([a]) => [a!, 2 * a!]))).toBe(true);
    expect(isSeparable(rows.map(([a]) => [a!, 0]))).toBe(true);
    expect(isSeparable(rows.map(([a]) => [a!, 0.1]))).toBe(false);
  });
});

describe('wildBenchScore', () => {
  const row = (level: 1 | 0.5 | 0 | -0.5 | -1, longer = 0) => ({
    level,
    length: 1000 + longer,
    baselineLength: 1000,
  });

  it('is the mean level times 100', () => {
    expect(wildBenchScore([row(1), row(0.5), row(0), row(-1)])).toBe(12.5);
    expect(wildBenchScore([row(1), row(1)])).toBe(100);
  });

  it('counts a slight win with much more text, or a slight loss with much less, as a tie', () => {
    expect(wildBenchScore([row(0.5, 501)])).toBe(0);
    expect(wildBenchScore([row(0.5, 500)])).toBe(50);
    expect(wildBenchScore([row(-0.5, -501)])).toBe(0);
    expect(wildBenchScore([row(1, 501)])).toBe(100);
    expect(wildBenchScore([row(0.5, 501)], Infinity)).toBe(50);
  });

  it('turns scores into levels', () => {
    const levels = levelsFromScores([0, 10, 0, 3, 5], [10, 0, 3, 0, 5]);
    expect(levels).toEqual([-1, 1, -0.5, 0.5, 0]);
  });
});

describe('the style-controlled win rate', () => {
  const styleControlledWinRate = (battles: readonly Battle[]): number =>
    styleControlledInterval(battles, { resamples: 1 }).mean;
  const plain = { headers: 0, lists: 0, bold: 0 };
  const random = new Random(11);
  const battles = (strength: number, effect: number): Battle[] =>
    Array.from({ length: 3000 }, () => {
      const length = 100 + random.below(100);
      const share = (length - 100) / (length + 100);
      const wins = random.uniform() < sigmoid(strength + effect * share);
      return {
        level: wins ? 0.5 : -0.5,
        style: { ...plain, length },
        baselineStyle: { ...plain, length: 100 },
      };
    });

  it('is the strength of the policy without the effect of length', () => {
    expect(Math.abs(styleControlledWinRate(battles(0, 5)) - 0.5)).toBeLessThan(0.06);
    expect(Math.abs(styleControlledWinRate(battles(1, 0)) - sigmoid(1))).toBeLessThan(0.06);
  });

  it('counts a verdict of much better three times', () => {
    const style = { ...plain, length: 10 };
    const battle = (level: 1 | -0.5): Battle => ({ level, style, baselineStyle: style });
    expect(styleControlledWinRate([battle(1), battle(-0.5)])).toBeCloseTo(0.75, 2);
  });

  it('reads markdown', () => {
    const text = '# A\n\n- one **two**\n- three\n1. four\n\n```\n# not a header\n```';
    expect(styleOf(text)).toMatchObject({ headers: 1, lists: 3, bold: 1 });
  });
});
