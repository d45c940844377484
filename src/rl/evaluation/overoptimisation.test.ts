import { describe, expect, it } from 'vitest';
import type { MetricsRow } from '../report.ts';
import { Random } from '../random.ts';
import { divergence, fitGoldCurve, rewardAndGold, type RewardAndGold } from './overoptimisation.ts';

const random = new Random(5);

/** 150 noisy steps; the reward rises all the time, and gold follows `shape`. */
function series(shape: (step: number) => number, noise = 0.2): RewardAndGold[] {
  return Array.from({ length: 150 }, (_, i) => ({
    step: i + 1,
    reward: i / 100 + noise * random.normal(),
    gold: shape(i + 1) + noise * random.normal(),
  }));
}

describe('divergence', () => {
  it('finds where gold starts to fall while the reward still rises', () => {
    const found = divergence(series((step) => (step <= 70 ? step / 70 : 1 - (step - 70) / 60)));
    expect(found!.step).toBeGreaterThan(60);
    expect(found!.step).toBeLessThan(85);
    expect(found!.seenAt).toBeGreaterThan(found!.step);
    expect(found!.seenAt).toBeLessThan(120);
  });

  it('is not found on a plateau', () => {
    const flagged = Array.from({ length: 200 }, () =>
      divergence(series((step) => Math.min(1, step / 50))),
    ).filter(Boolean);
    expect(flagged.length).toBeLessThanOrEqual(2);
  });

  it('is not found if the reward falls too', () => {
    const both = series((step) => -step / 50).map((point) => ({ ...point, reward: point.gold }));
    expect(divergence(both)).toBeUndefined();
  });

  it('is not found if gold has recovered, or in a run that is too short', () => {
    expect(divergence(series((step) => Math.abs(step - 75) / 50))).toBeUndefined();
    expect(divergence(series(() => 0).slice(0, 9))).toBeUndefined();
  });
});

it('uses the steps that have a reward and a gold score', () => {
  const rows: MetricsRow[] = [
    { step: 0, eval_gold: 1 },
    { step: 1, reward: 2, gold: 3, kl: 0.5 },
    { step: 2, reward: 2 },
  ];
  expect(rewardAndGold(rows)).toEqual([{ step: 1, reward: 2, gold: 3, kl: 0.5 }]);
});

it('finds the coefficients of the law, and its best distance', () => {
  const points = Array.from({ length: 40 }, (_, i) => {
    const d = i / 20;
    const gold = i === 0 ? 1 : 1 + d * (0.8 - 0.6 * Math.log(d));
    return { step: i, reward: d, gold, kl: d * d };
  });
  const { alpha, beta, best } = fitGoldCurve(points)!;
  expect(alpha).toBeCloseTo(0.8, 9);
  expect(beta).toBeCloseTo(0.6, 9);
  expect(best).toBeCloseTo(Math.exp(0.8 / 0.6 - 1), 9);
});
