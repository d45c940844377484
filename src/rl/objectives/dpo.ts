/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, eq. 7), TRL's loss_type
 * sigmoid: -log sigmoid(beta [(logp_c - ref_c) - (logp_r - ref_r)]), mean over pairs, where a
 * completion's log-prob is the sum over its tokens.
 */
import { negativeLogSigmoid } from './functions.ts';

export interface PairLogps {
  /** Log-probs of the whole completion, under the policy being trained and the frozen reference. */
  chosen: number;
  rejected: number;
  refChosen: number;
  refRejected: number;
}

interface DpoResult {
  /** This micro-batch's share of the step's loss. */
  loss: number;
  /** d loss / d log-prob of each pair's completions; the same for all their tokens. */
  dChosen: Float64Array;
  dRejected: Float64Array;
  /** Sums of the implicit rewards beta (logp - ref). */
  chosenRewards: number;
  rejectedRewards: number;
  /** Number of pairs whose chosen completion has the higher implicit reward. */
  correct: number;
}

export function dpoLoss(pairs: readonly PairLogps[], beta: number, stepPairs: number): DpoResult {
  const result: DpoResult = {
    loss: 0,
    dChosen: new Float64Array(pairs.length),
    dRejected: new Float64Array(pairs.length),
    chosenRewards: 0,
    rejectedRewards: 0,
    correct: 0,
  };
  pairs.forEach(({ chosen, rejected, refChosen, refRejected }, i) => {
    const better = beta * (chosen - refChosen);
    const worse = beta * (rejected - refRejected);
    const margin = better - worse;
    result.loss += negativeLogSigmoid(margin) / stepPairs;
    const push = -beta / (1 + Math.exp(margin)) / stepPairs;
    result.dChosen[i] = push;
    result.dRejected[i] = -push;
    result.chosenRewards += better;
    result.rejectedRewards += worse;
    if (margin > 0) result.correct++;
  });
  return result;
}

/**
 * The best and the worst completion of a group by reward, without those that lack the delimiter (RLMT,
 * arXiv 2509.20357, sec. 3): indices, or undefined if fewer than two remain or all are equally good.
 */
export function choosePair(
  samples: readonly { reward: number; wellFormed: boolean }[],
): { chosen: number; rejected: number } | undefined {
  let chosen = -1;
  let rejected = -1;
  samples.forEach(({ reward, wellFormed }, i) => {
    if (!wellFormed) return;
    if (chosen < 0 || reward > samples[chosen]!.reward) chosen = i;
    if (rejected < 0 || reward < samples[rejected]!.reward) rejected = i;
  });
  if (chosen < 0 || samples[chosen]!.reward === samples[rejected]!.reward) return undefined;
  return { chosen, rejected };
}
