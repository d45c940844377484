/**
 * AlpacaEval 2's length-controlled win rate (Dubois et al. 2024, arXiv 2404.04475), as in
 * alpaca_eval/metrics/glm_winrate.py at commit cd543a1: a logistic regression explains each verdict by
 * tanh of the difference in length, the instruction's difficulty and an intercept; the win rate is its
 * prediction for equal lengths. The l1 penalty is chosen by five-fold cross-validation.
 *
 * The original stops liblinear at a tolerance of 1e-4; this is the minimum that it stops near. On four drawn
 * sets of 805 verdicts the two differed by at most 0.01 percentage points.
 */
import { mean, std } from '../../statistics.ts';
import { bootstrap, type Interval } from '../intervals.ts';
import { sigmoid } from '../logistic.ts';
import { fitLassoLogistic, type WeightedOutcome } from './lasso-logistic.ts';

/** One question; lengths in code points. */
export interface LengthRow {
  /** The share of the policy, 0 to 1; null if the judgment cannot be read. */
  share: number | null;
  length: number;
  baselineLength: number;
  /** Undefined for all questions without the makers' table. */
  difficulty?: number;
}

/** A verdict on one of the two gamed baselines, which tell what length alone does. */
export interface GamedRow {
  share: number;
  /** The difference in length over its standard deviation. */
  gap: number;
  difficulty: number;
}

const FOLDS = 5;
/** numpy.logspace(-4, 4, 10) */
const PENALTIES = Array.from({ length: 10 }, (_, i) => 10 ** (-4 + (8 * i) / 9));
/** regularize_to_baseline_lambda, 0.2, over the two gamed baselines. */
const GAMED_WEIGHT = 0.1;
const RESAMPLES = 200;

/**
 * In percent, with its 95% bootstrap interval over questions; the penalty is chosen once, for all of them.
 * undefined if there are fewer verdicts than folds.
 * @param gamed empty: "length_controlled_minimal", without difficulty; else "length_controlled_v1"
 */
export function lengthControlled(
  rows: readonly LengthRow[],
  gamed: readonly GamedRow[],
): Interval | undefined {
  const features = designOf(rows, gamed.length > 0);
  const policy = rows.map(({ share }, i): WeightedOutcome | null =>
    share === null ? null : { features: features[i]!, outcome: share, weight: 1 },
  );
  const baselines = gamed.map(({ share, gap, difficulty }): WeightedOutcome => ({
    features: [Math.tanh(gap), difficulty, 0],
    outcome: share,
    weight: GAMED_WEIGHT,
  }));
  const readable = policy.filter((row) => row !== null);
  if (readable.length < FOLDS) return undefined;
  const penalty = bestPenalty([...baselines, ...readable]);
  const rate = (drawn: readonly number[]): number => {
    const own = drawn.flatMap((i) => policy[i] ?? []);
    const [, ...weights] = fitLassoLogistic([...baselines, ...own], penalty);
    // For equal lengths the first feature is 0.
    const logit = (i: number): number =>
      features[i]!.slice(1).reduce((sum, value, k) => sum + value * weights[k]!, 0);
    return 100 * mean(drawn.map((i) => sigmoid(logit(i))));
  };
  return bootstrap(rows.length, rate, { resamples: RESAMPLES });
}

/** tanh((baseline's length - length) / std), the difficulty if it is used, and 1 for "not gamed". */
function designOf(rows: readonly LengthRow[], withDifficulty: boolean): number[][] {
  const gaps = rows.map(({ length, baselineLength }) => baselineLength - length);
  // With differences that are all equal the original divides by zero; here they are taken as they are 0.
  const scale = std(gaps) || Infinity;
  return rows.map(({ difficulty = 0 }, i) => [
    Math.tanh(gaps[i]! / scale),
    ...(withDifficulty ? [difficulty] : []),
    1,
  ]);
}

/** The penalty with the lowest mean cross-entropy on left-out folds. */
function bestPenalty(rows: readonly WeightedOutcome[]): number {
  const folds = foldsOf(rows.length);
  const losses = PENALTIES.map((penalty) =>
    mean(
      Array.from({ length: FOLDS }, (_, fold) => {
        const weights = fitLassoLogistic(
          rows.filter((_row, i) => folds[i] !== fold),
          penalty,
        );
        const left = rows.filter((_row, i) => folds[i] === fold);
        return mean(left.map((row) => crossEntropy(row, weights)));
      }),
    ),
  );
  return PENALTIES[losses.indexOf(Math.min(...losses))]!;
}

/**
 * The fold of each row: scikit-learn's GroupKFold sorts the rows by their size, which is the same for all,
 * and deals them out from the last. Two penalties may be about as good, so the order counts.
 */
function foldsOf(count: number): number[] {
  const folds = new Array<number>(count);
  equalsSorted(count)
    .reverse()
    .forEach((row, i) => (folds[row] = i % FOLDS));
  return folds;
}

/** numpy.argsort of equal values, without vector instructions: its quicksort also swaps equal ones. */
function equalsSorted(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const swap = (i: number, j: number): void => {
    [order[i], order[j]] = [order[j]!, order[i]!];
  };
  const sort = (left: number, right: number): void => {
    // An insertion sort of few values leaves equal ones where they are.
    if (right - left < 16) return;
    swap((left + right) >> 1, right - 1);
    let [i, j] = [left + 1, right - 2];
    for (; i < j; i++, j--) swap(i, j);
    swap(i, right - 1);
    sort(left, i - 1);
    sort(i + 1, right);
  };
  sort(0, count - 1);
  return order;
}

function crossEntropy(
  { features, outcome, weight }: WeightedOutcome,
  weights: readonly number[],
): number {
  const logit = features.reduce((sum, value, k) => sum + value * weights[k]!, 0);
  const p = Math.min(1 - 1e-15, Math.max(1e-15, sigmoid(logit)));
  return -weight * (outcome * Math.log(p) + (1 - outcome) * Math.log(1 - p));
}
