/**
 * Intervals: Student's t for means over seeds, the bootstrap over seeds and prompts, and Wilson's score
 * for shares of a few choices.
 */
import { mean, std } from '../statistics.ts';
import { Random } from '../random.ts';

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

/** 0.975 quantile of the normal distribution. */
const Z_975 = 1.959963984540054;

/**
 * The mean of values between 0 and 1, such as a win rate of few verdicts, and its 95% score interval
 * (Wilson 1927, JASA 22, 209-212). Unlike a bootstrap interval, it has a width even if all values are
 * equal. Values between 0 and 1, such as a tie that counts half, vary less than it assumes, so it is
 * then too wide rather than too narrow.
 * @throws RangeError if there are no values
 */
export function wilsonInterval(values: readonly number[]): Interval {
  const count = values.length;
  if (count < 1) throw new RangeError('a score interval needs at least one value');
  const share = mean(values);
  const widening = Z_975 ** 2 / count;
  const centre = (share + widening / 2) / (1 + widening);
  const half =
    (Z_975 / (1 + widening)) *
    Math.sqrt((share * (1 - share)) / count + (Z_975 / (2 * count)) ** 2);
  return { mean: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface BootstrapOptions {
  seed?: number;
  resamples?: number;
}

const RESAMPLES = 2000;

/**
 * The 95% percentile interval of a statistic (Efron 1979) over `items` exchangeable items, such as
 * prompts: they are drawn with replacement, and `statistic` gets the indices of each draw. `mean` is the
 * statistic of the items themselves.
 */
export function bootstrap(
  items: number,
  statistic: (indices: readonly number[]) => number,
  { seed = 0, resamples = RESAMPLES }: BootstrapOptions = {},
): Interval {
  if (items < 1) throw new RangeError('a bootstrap needs at least one value');
  const random = new Random(seed, 'bootstrap');
  const draws = Array.from({ length: resamples }, () => statistic(resampled(random, items)));
  const all = Array.from({ length: items }, (_, i) => i);
  return { mean: statistic(all), ...middle95(draws) };
}

/**
 * The mean of `runs[seed][prompt]` and its 95% interval over both seeds and prompts: seeds are drawn
 * with replacement, then prompts, the same ones for every seed, because all runs answered the same
 * prompts (the "pigeonhole bootstrap", Owen 2007, arXiv 0712.1111; rather too wide than too narrow).
 * With one seed the interval is over prompts only. Five seeds are few for a bootstrap, so read it
 * together with tInterval.
 * @throws RangeError if the runs do not have the same prompts
 */
export function hierarchicalBootstrap(
  runs: readonly (readonly number[])[],
  { seed = 0, resamples = RESAMPLES }: BootstrapOptions = {},
): Interval {
  const prompts = runs[0]?.length ?? 0;
  if (prompts === 0 || runs.some((run) => run.length !== prompts)) {
    throw new RangeError('the runs of a bootstrap must all have the same prompts');
  }
  const random = new Random(seed, 'hierarchical bootstrap');
  const count = runs.length;
  // Ordered by prompt, so that the values of a drawn prompt are next to each other.
  const values = Float64Array.from({ length: count * prompts }, (_, i) => {
    return runs[i % count]![Math.floor(i / count)]!;
  });
  const draws = Array.from({ length: resamples }, () => {
    const times = new Float64Array(count);
    for (const s of resampled(random, count)) times[s]! += 1;
    let sum = 0;
    for (let k = 0; k < prompts; k++) {
      const at = count * random.below(prompts);
      for (let s = 0; s < count; s++) sum += times[s]! * values[at + s]!;
    }
    return sum / (count * prompts);
  });
  return { mean: mean(runs.map(mean)), ...middle95(draws) };
}

function resampled(random: Random, items: number): number[] {
  return Array.from({ length: items }, () => random.below(items));
}

function middle95(values: readonly number[]): { low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** A quantile of sorted values, linear between neighbours, as numpy.quantile by default. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  return low + (at - below) * ((sorted[below + 1] ?? low) - low);
}
