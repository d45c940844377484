/** Supervised fine-tuning: the mean negative log-prob of the completion tokens. */
interface SftResult {
  /** This micro-batch's share of the step's loss, in nats per token. */
  loss: number;
  dLogp: Float64Array;
}

/** `stepTokens`: completion tokens of the whole optimizer step. */
export function sftLoss(logp: ArrayLike<number>, stepTokens: number): SftResult {
  let sum = 0;
  for (let i = 0; i < logp.length; i++) sum -= logp[i]!;
  return { loss: sum / stepTokens, dLogp: new Float64Array(logp.length).fill(-1 / stepTokens) };
}
