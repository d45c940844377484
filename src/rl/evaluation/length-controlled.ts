/**
 * The length-controlled win rate of AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475, eq. 2 and 3):
 * a logistic regression explains each verdict by the policy, the difference in length and the
 * difficulty of the instruction; the win rate is its prediction for equal lengths.
 *   logit p = theta + phi tanh((len - len_baseline) / std(len - len_baseline)) + psi gamma_x
 *   LC win rate = mean over x of sigmoid(theta + psi gamma_x)
 *
 * Differences from theirs: they fit gamma_x once over the verdicts on a hundred models, which do not
 * exist here (give `difficulty`, or the term is left out); a small fixed ridge replaces their l1 penalty
 * chosen by cross-validation; and the rows of two gamed baselines, which limit phi for their leaderboard,
 * are not added.
 */
import { mean } from '../statistics.ts';
import { controlledInterval, isSeparable, spread, type ControlledInterval } from './controlled.ts';
import type { BootstrapOptions } from './intervals.ts';
import { fitLogistic, sigmoid } from './logistic.ts';

/** One prompt's verdict on a policy against the baseline; all lengths in the same unit. */
interface LengthVerdict {
  /** 1, 0.5 or 0. */
  verdict: number;
  length: number;
  baselineLength: number;
  /** gamma_x: high if the baseline tends to win. */
  difficulty?: number;
}

/**
 * Between 0 and 1. It is the raw win rate if all lengths are equal, or if one side is longer by about
 * the same amount everywhere, because the effect of length cannot be found then.
 */
export function lengthControlledWinRate(rows: readonly LengthVerdict[]): number {
  return canControl(rows) ? predictedRate(rows) : rawRate(rows);
}

const rawRate = (rows: readonly LengthVerdict[]): number => mean(rows.map((row) => row.verdict));

const canControl = (rows: readonly LengthVerdict[]): boolean =>
  isSeparable(relativeGaps(rows).map((gap) => [gap]));

/** tanh((len - len_baseline) / std(len - len_baseline)) */
function relativeGaps(rows: readonly LengthVerdict[]): number[] {
  const gaps = rows.map(({ length, baselineLength }) => length - baselineLength);
  const scale = spread(gaps) || 1;
  return gaps.map((gap) => Math.tanh(gap / scale));
}

function predictedRate(rows: readonly LengthVerdict[]): number {
  const gaps = relativeGaps(rows);
  const features = rows.map(({ difficulty = 0 }, i) => [1, gaps[i]!, difficulty]);
  const [theta, , psi] = fitLogistic(
    features,
    rows.map((row) => row.verdict),
  );
  return mean(rows.map(({ difficulty = 0 }) => sigmoid(theta! + psi! * difficulty)));
}

/** The same with a 95% interval over prompts, and whether length was controlled for. */
export function lengthControlledInterval(
  rows: readonly LengthVerdict[],
  options: BootstrapOptions = { resamples: 500 },
): ControlledInterval {
  const rates = { controlled: predictedRate, raw: rawRate };
  return controlledInterval(rows, canControl(rows), rates, options);
}

/**
 * gamma_x of each prompt from the verdicts of several policies against one baseline
 * (`verdicts[policy][prompt]`): minus the log-odds of a win on it, with one win and one loss added,
 * centred. A simple replacement for the joint regression of the paper.
 */
export function instructionDifficulty(verdicts: readonly (readonly number[])[]): number[] {
  const prompts = verdicts[0]?.length ?? 0;
  const logits = Array.from({ length: prompts }, (_, p) => {
    const wins = verdicts.reduce((sum, row) => sum + row[p]!, 0);
    return Math.log((verdicts.length - wins + 1) / (wins + 1));
  });
  const centre = mean(logits);
  return logits.map((logit) => logit - centre);
}
