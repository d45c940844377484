/**
 * Win rates that a logistic regression gives with style held equal: its intercept is the policy, its
 * features are differences in style. Where every pair of answers differs in style by about as much, a
 * feature is nearly a multiple of the intercept's column of ones, and the fit can hand the wins to either.
 */
import { mean, std } from '../statistics.ts';
import { bootstrap, type BootstrapOptions, type Interval } from './intervals.ts';
import { solve } from './logistic.ts';

export interface ControlledInterval extends Interval {
  /** false: style could not be told from the policy, and this is the raw win rate. */
  controlled: boolean;
}

/** Standard deviations of rounding, relative to the values: they are all the same. */
const ROUNDING = 1e-9;

/** Standard deviation; exactly 0 where the values differ by rounding alone. */
export function spread(values: readonly number[]): number {
  const own = std(values);
  return own <= ROUNDING * Math.abs(mean(values)) ? 0 : own;
}

/**
 * How much the features may inflate the variance of the intercept: above 10 is the usual sign of
 * collinearity (Marquardt 1970, Technometrics 12, 591-612). With one feature it means that no difference
 * lies more than sqrt(10 - 1) = 3 standard deviations from the mean difference, where there are no data
 * and the rate is an extrapolation.
 */
const MOST_INFLATION = 10;

/** Keeps the covariance of features that go together solvable. */
const RIDGE = 1e-9;

/**
 * Whether differences in style, one row a pair, can be told from the intercept. Their variance inflation
 * is 1 + m' C^-1 m, with m the mean and C the covariance of the features.
 */
export function isSeparable(features: readonly (readonly number[])[]): boolean {
  const columns = (features[0] ?? []).map((_, k) => features.map((row) => row[k]!));
  // What never differs is no style at all.
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

/** Over prompts, of the controlled rate where there is one, else of the raw one. */
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
