/**
 * From rewards to advantages, as TRL's GRPOTrainer computes them (trl/trainer/grpo_trainer.py,
 * `_generate_and_score_completions`).
 */

export type ScaleRewards = 'group' | 'batch' | 'none';

/** TRL adds this to the standard deviation. */
const EPSILON = 1e-4;

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Sample standard deviation, with n - 1; 0 for fewer than two values. */
export function std(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/**
 * A = (r - mean of its group) / (std + 1e-4), the std being the group's (DeepSeekMath, arXiv
 * 2402.03300, eq. 4.1), the whole batch's (arXiv 2508.08221), or left out (Dr. GRPO, arXiv
 * 2503.20783). `rewards` has one row per group.
 */
export function advantages(
  rewards: readonly (readonly number[])[],
  scale: ScaleRewards,
): number[][] {
  const batchStd = std(rewards.flat());
  return rewards.map((group) => {
    const centre = mean(group);
    const divisor = scale === 'none' ? 1 : (scale === 'group' ? std(group) : batchStd) + EPSILON;
    return group.map((reward) => (reward - centre) / divisor);
  });
}

/** Share of groups whose rewards are all equal: they give no gradient. */
export function fractionZeroStd(rewards: readonly (readonly number[])[]): number {
  return rewards.filter((group) => std(group) < 1e-8).length / rewards.length;
}
