/**
 * Reward and gold over the distance from where the policy began, d = sqrt(KL), as Gao, Schulman and
 * Hilton draw over-optimisation (2022, arXiv 2210.10760): training moves to the right.
 */
import { rewardAndGold } from '../../rl/evaluation/overoptimisation.ts';
import type { MetricsRow } from '../../rl/report.ts';
import { mean } from '../../rl/statistics.ts';

export interface KlPoint {
  step: number;
  /** sqrt(KL), the KL in nats. */
  distance: number;
  reward: number;
  gold: number;
}

/** The steps that measured all three, nearest first. An estimate of KL below zero counts as zero. */
export function klPoints(rows: readonly MetricsRow[]): KlPoint[] {
  return rewardAndGold(rows)
    .flatMap(({ step, reward, gold, kl }) =>
      kl === undefined ? [] : [{ step, distance: Math.sqrt(Math.max(0, kl)), reward, gold }],
    )
    .sort((a, b) => a.distance - b.distance);
}

/** A point of the line is the mean of this share of all points on either side, at least 2. */
const REACH_SHARE = 1 / 30;

/** The line through points sorted by distance: a mean over neighbours for each point. */
export function klLine(points: readonly KlPoint[], key: 'reward' | 'gold'): [number, number][] {
  const reach = Math.max(2, Math.round(points.length * REACH_SHARE));
  return points.map((_, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [mean(near.map(({ distance }) => distance)), mean(near.map((point) => point[key]))];
  });
}

/** A linear scale from `from` to `to`, in pixels. */
export function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}
