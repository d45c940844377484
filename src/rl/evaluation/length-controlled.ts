/**
 * The length-controlled win rate of AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475, eq. 2 and 3):
 * a logistic regression explains each verdict by who wrote it, by the difference in length and by how
 * hard the instruction is; the win rate is what it predicts with the lengths equal.
 *   logit p = theta + phi tanh((len - len_baseline) / std(len - len_baseline)) + psi gamma_x
 *   LC win rate = mean over x of sigmoid(theta + psi gamma_x)
 *
 * Left out of theirs: gamma_x is fitted there once over the verdicts on a hundred models, which do
 * not exist here (give `difficulty`, or leave the term out); the l1 penalty chosen by
 * cross-validation is a small fixed ridge; the rows of two gamed baselines, which hold phi down for
 * their leaderboard, are not added.
 */
import { mean, std } from '../advantages.ts';
import { bootstrap, type BootstrapOptions, type Interval } from './intervals.ts';
import { fitLogistic, sigmoid } from './logistic.ts';

/** One prompt's verdict on a policy against the baseline; lengths in one unit of any kind. */
export interface LengthVerdict {
  /** 1, 0.5 or 0. */
  verdict: number;
  length: number;
  baselineLength: number;
  /** gamma_x: high where the baseline tends to win. */
  difficulty?: number;
}

/** Between 0 and 1. With all lengths equal it is the raw win rate. */
export function lengthControlledWinRate(rows: readonly LengthVerdict[]): number {
  const gaps = rows.map(({ length, baselineLength }) => length - baselineLength);
  const scale = std(gaps) || 1;
  const features = rows.map(({ difficulty = 0 }, i) => [
    1,
    Math.tanh(gaps[i]! / scale),
    difficulty,
  ]);
  const [theta, , psi] = fitLogistic(
    features,
    rows.map((row) => row.verdict),
  );
  return mean(rows.map(({ difficulty = 0 }) => sigmoid(theta! + psi! * difficulty)));
}

/** The same with a 95% interval over prompts. */
export function lengthControlledInterval(
  rows: readonly LengthVerdict[],
  options: BootstrapOptions = { resamples: 500 },
): Interval {
  return bootstrap(
    rows.length,
    (indices) => lengthControlledWinRate(indices.map((i) => rows[i]!)),
    options,
  );
}

/**
 * gamma_x of each prompt from the verdicts of several policies against one baseline
 * (`verdicts[policy][prompt]`): minus the log-odds of winning there, one win and one loss added,
 * centred. A plain stand-in for the joint regression of the paper.
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
