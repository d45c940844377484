/** Functions of single numbers that several losses share. */

export const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

/** -log sigmoid(x) = log(1 + e^-x), in a form that does not overflow for either sign. */
export const negativeLogSigmoid = (x: number): number =>
  Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** logp - ref: an estimate of a token's KL to the reference, of either sign. */
export const k1Estimate = (logp: number, refLogp: number): number => logp - refLogp;

/**
 * exp(ref - logp) - (ref - logp) - 1: an estimate of a token's KL to the reference, never negative
 * (Schulman, "Approximating KL divergence").
 */
export function k3Estimate(logp: number, refLogp: number): number {
  const difference = refLogp - logp;
  return Math.exp(difference) - difference - 1;
}

/** d k3Estimate / d logp */
export const k3Slope = (logp: number, refLogp: number): number => 1 - Math.exp(refLogp - logp);
