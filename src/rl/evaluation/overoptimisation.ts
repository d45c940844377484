/**
 * Detects reward hacking: the reward of training still rises, but gold falls. Gao et al. 2022 ("Scaling
 * Laws for Reward Model Overoptimization", arXiv 2210.10760) plot both over the distance from the
 * initial policy, d = sqrt(KL), and find gold(d) = d (alpha - beta log d) for RL.
 */
import { mean } from '../statistics.ts';
import type { MetricsRow } from '../report.ts';

export interface RewardAndGold {
  step: number;
  /** The reward of training. */
  reward: number;
  /** An independent judge of the same completions. */
  gold: number;
  /** In nats per token; absent without a reference policy. */
  kl?: number;
}

/**
 * The steps that have both; `gold` is the metric of the independent judge. For runs whose samples come
 * from the initial policy (offline DPO), the evaluations.
 */
export function rewardAndGold(rows: readonly MetricsRow[], gold = 'gold'): RewardAndGold[] {
  const prefix = rows.some((row) => row.reward !== undefined) ? '' : 'eval_';
  return rows.flatMap((row) => {
    const { step, kl } = row;
    const reward = row[`${prefix}reward`];
    const judged = row[prefix + gold];
    if (reward === undefined || judged === undefined) return [];
    return [{ step, reward, gold: judged, ...(kl !== undefined && { kl }) }];
  });
}

export interface Divergence {
  /** The step at which they diverge: the last step of gold's best window. */
  step: number;
  /** The first step at which the divergence can be detected. */
  seenAt: number;
}

/** Values are averaged over a window that ends at each step: this share of the run, but at least MIN_WINDOW. */
const WINDOW_SHARE = 1 / 15;
const MIN_WINDOW = 5;
/** How far gold must fall, in standard errors of a difference of two windows; high because of many tests. */
const STANDARD_ERRORS = 4;

/**
 * Where reward and gold diverge, or undefined. They diverge if, over windows of w steps,
 * - in a window that does not overlap gold's best one, gold is below its best by more than
 *   4 s sqrt(2 / w), where s^2 is half the mean squared difference of neighbouring steps (von Neumann
 *   1941: noise without the trend),
 * - the reward in that window is above the reward in gold's best window, and
 * - gold is still that far below its best at the end.
 */
export function divergence(points: readonly RewardAndGold[]): Divergence | undefined {
  const window = Math.max(MIN_WINDOW, Math.round(points.length * WINDOW_SHARE));
  if (points.length < 2 * window) return undefined;
  const gold = trailingMeans(
    points.map((point) => point.gold),
    window,
  );
  const reward = trailingMeans(
    points.map((point) => point.reward),
    window,
  );
  const noise = successiveDeviation(points.map((point) => point.gold));
  const fall = STANDARD_ERRORS * noise * Math.sqrt(2 / window);
  const best = gold.indexOf(Math.max(...gold));
  const fallen = (i: number): boolean => gold[i]! < gold[best]! - fall;
  if (!fallen(gold.length - 1)) return undefined;
  for (let i = best + window; i < gold.length; i++) {
    if (fallen(i) && reward[i]! > reward[best]!) {
      const stepOf = (at: number): number => points[at + window - 1]!.step;
      return { step: stepOf(best), seenAt: stepOf(i) };
    }
  }
  return undefined;
}

/** Mean i is the mean of values i to i + window - 1. */
export function trailingMeans(values: readonly number[], window: number): number[] {
  return Array.from({ length: values.length - window + 1 }, (_, i) =>
    mean(values.slice(i, i + window)),
  );
}

/** The deviation of single values from their trend (von Neumann 1941). */
export function successiveDeviation(values: readonly number[]): number {
  const squares = values.slice(1).map((value, i) => (value - values[i]!) ** 2);
  return Math.sqrt(mean(squares) / 2);
}

export interface GoldCurve {
  alpha: number;
  beta: number;
  /** The d = sqrt(KL) at which the curve is highest, exp(alpha / beta - 1); only if beta > 0. */
  best?: number;
}

/**
 * Least squares of gold - gold(0) = d (alpha - beta log d), eq. 1 of Gao et al. for RL; gold(0) is that
 * of the first point. undefined if fewer than three points have a KL.
 */
export function fitGoldCurve(points: readonly RewardAndGold[]): GoldCurve | undefined {
  const start = points[0]?.gold ?? 0;
  const moved = points.flatMap(({ kl, gold }) =>
    kl !== undefined && kl > 0 ? [{ d: Math.sqrt(kl), rise: gold - start }] : [],
  );
  if (moved.length < 3) return undefined;
  const sums = { xx: 0, xz: 0, zz: 0, xy: 0, zy: 0 };
  for (const { d, rise } of moved) {
    const z = -d * Math.log(d);
    sums.xx += d * d;
    sums.xz += d * z;
    sums.zz += z * z;
    sums.xy += d * rise;
    sums.zy += z * rise;
  }
  const determinant = sums.xx * sums.zz - sums.xz ** 2;
  if (determinant === 0) return undefined;
  const alpha = (sums.zz * sums.xy - sums.xz * sums.zy) / determinant;
  const beta = (sums.xx * sums.zy - sums.xz * sums.xy) / determinant;
  return { alpha, beta, ...(beta > 0 && { best: Math.exp(alpha / beta - 1) }) };
}
