/**
 * Win rates of a logistic regression that controls for style: its intercept is the policy, and its
 * features are differences in style. If every pair of answers differs in style by about the same amount,
 * a feature is nearly a multiple of the intercept's column of ones, and the fit may explain the wins by
 * either.
 */
import { mean, std } from '../statistics.ts';
import { bootstrap, type BootstrapOptions, type Interval } from './intervals.ts';
import { solve } from './logistic.ts';

export interface ControlledInterval extends Interval {
  /** false: the effects of style and policy cannot be separated, and this is the raw win rate. */
  controlled: boolean;
}

/** Values with a smaller relative standard deviation differ only by rounding. */
const ROUNDING = 1e-9;

/** Standard deviation; exactly 0 if the values differ only by rounding. */
export function spread(values: readonly number[]): number {
  const own = std(values);
  return own <= ROUNDING * Math.abs(mean(values)) ? 0 : own;
}

/**
 * How much the features may inflate the variance of the intercept: more than 10 is the usual sign of
 * collinearity (Marquardt 1970, Technometrics 12, 591-612). With one feature, it allows a mean difference
 * of at most sqrt(10 - 1) = 3 standard deviations; beyond that there are no data near a difference of
 * zero, and the rate would be an extrapolation.
 */
const MOST_INFLATION = 10;

/** Keeps the covariance of correlated features solvable. */
const RIDGE = 1e-9;

/**
 * Whether the effect of differences in style (one row per pair) can be separated from the intercept. The
 * variance inflation is 1 + m' C^-1 m, with m the mean and C the covariance of the features.
 */
export function isSeparable(features: readonly (readonly number[])[]): boolean {
  const columns = (features[0] ?? []).map((_, k) => features.map((row) => row[k]!));
  // A feature that never differs has no effect.
  const differing = columns.filter((column) => column.some((value) => value !== 0));
  const scales = differing.map(spread);
  if (scales.includes(0)) return false;
  const means = differing.map((column, k) => mean(column) / scales[k]!);
  const centred = differing.map((column, k) =>
    column.map((value) => value / scales[k]! - means[k]!),
  );
  const covariance = centred.map((a, i) =>
    centred.map((b, j) => mean(a.map((value, row) => value * b[row]!)) + (i === j ? RIDGE : 0)),
  );
  const solved = solve(covariance, means);
  return 1 + means.reduce((sum, value, k) => sum + value * solved[k]!, 0) <= MOST_INFLATION;
}

/** The interval over prompts of the controlled rate if there is one, else of the raw rate. */
export function controlledInterval<Row>(
  rows: readonly Row[],
  controlled: boolean,
  rates: Record<'controlled' | 'raw', (rows: readonly Row[]) => number>,
  options: BootstrapOptions,
): ControlledInterval {
  const rate = rates[controlled ? 'controlled' : 'raw'];
  const of = (indices: readonly number[]): number => rate(indices.map((i) => rows[i]!));
  return { ...bootstrap(rows.length, of, options), controlled };
}
