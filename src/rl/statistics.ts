/** Intervals and comparisons for evaluations. */
import { mean, std } from './advantages.ts';

/** 0.975 quantiles of Student's t distribution with 1, 2, ... degrees of freedom. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093,
];

export interface Interval {
  mean: number;
  low: number;
  high: number;
}

/** The mean of independent values (seeds) and its 95% interval: mean +- t std / sqrt(n). */
export function tInterval(values: readonly number[]): Interval {
  const t = T_975[values.length - 2];
  if (t === undefined) {
    throw new RangeError(`an interval takes 2 to ${T_975.length + 1} values, not ${values.length}`);
  }
  const centre = mean(values);
  const half = (t * std(values)) / Math.sqrt(values.length);
  return { mean: centre, low: centre - half, high: centre + half };
}

/** Share of positions at which `ours` is above `theirs`, ties counted half. */
export function winRate(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) throw new RangeError('win rates compare the same prompts');
  return mean(ours.map((own, i) => (own === theirs[i] ? 0.5 : own > theirs[i]! ? 1 : 0)));
}
