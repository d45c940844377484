/**
 * Reward-model training on pairs (Bradley and Terry 1952; TRL's RewardTrainer):
 * -log sigmoid(r_chosen - r_rejected) + c (r_chosen + r_rejected)^2, mean over pairs. The second
 * term centres the scores (Eisenstein et al., arXiv 2312.09244).
 */
export interface PairResult {
  /** This micro-batch's share of the step's loss. */
  loss: number;
  dChosen: Float64Array;
  dRejected: Float64Array;
  /** Pairs ranked as labelled, and the sum of r_chosen - r_rejected. */
  correct: number;
  marginSum: number;
}

export function bradleyTerryLoss(
  chosen: ArrayLike<number>,
  rejected: ArrayLike<number>,
  centering: number,
  stepPairs: number,
): PairResult {
  const result: PairResult = {
    loss: 0,
    dChosen: new Float64Array(chosen.length),
    dRejected: new Float64Array(chosen.length),
    correct: 0,
    marginSum: 0,
  };
  for (let i = 0; i < chosen.length; i++) {
    const margin = chosen[i]! - rejected[i]!;
    const sum = chosen[i]! + rejected[i]!;
    // log(1 + e^-margin), written so that neither sign overflows.
    const softplus = Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
    result.loss += (softplus + centering * sum * sum) / stepPairs;
    const push = -1 / (1 + Math.exp(margin));
    result.dChosen[i] = (push + 2 * centering * sum) / stepPairs;
    result.dRejected[i] = (-push + 2 * centering * sum) / stepPairs;
    if (margin > 0) result.correct++;
    result.marginSum += margin;
  }
  return result;
}
