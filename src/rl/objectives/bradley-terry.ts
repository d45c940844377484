/**
 * Reward-model training on pairs (Bradley and Terry 1952; TRL's RewardTrainer):
 * -log sigmoid(r_chosen - r_rejected - m) + c (r_chosen + r_rejected)^2, mean over pairs. The margin
 * m is the wanted difference of a pair (Llama 2, arXiv 2307.09288, eq. 2); the second term centres the
 * scores (Eisenstein et al., arXiv 2312.09244).
 */
import { negativeLogSigmoid } from './functions.ts';

interface PairResult {
  /** This micro-batch's share of the step's loss. */
  loss: number;
  dChosen: Float64Array;
  dRejected: Float64Array;
  /** Number of pairs ranked as labelled, and the sum of r_chosen - r_rejected. */
  correct: number;
  marginSum: number;
}

/** All arrays have one entry per pair. */
export function bradleyTerryLoss(
  chosen: ArrayLike<number>,
  rejected: ArrayLike<number>,
  margins: ArrayLike<number>,
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
    const difference = chosen[i]! - rejected[i]!;
    const lead = difference - margins[i]!;
    const sum = chosen[i]! + rejected[i]!;
    result.loss += (negativeLogSigmoid(lead) + centering * sum * sum) / stepPairs;
    const push = -1 / (1 + Math.exp(lead));
    result.dChosen[i] = (push + 2 * centering * sum) / stepPairs;
    result.dRejected[i] = (-push + 2 * centering * sum) / stepPairs;
    if (difference > 0) result.correct++;
    result.marginSum += difference;
  }
  return result;
}
