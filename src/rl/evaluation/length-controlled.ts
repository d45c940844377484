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
import { mean } from '../statistics.ts';
import { controlledInterval, isSeparable, spread, type ControlledInterval } from './controlled.ts';
import type { BootstrapOptions } from './intervals.ts';
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

/**
 * Between 0 and 1. With all lengths equal it is the raw win rate, and so it is where one side is longer
 * by about as much everywhere: nothing tells then what length does.
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
