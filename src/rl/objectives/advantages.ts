/**
 * From rewards to advantages, as TRL's GRPOTrainer computes them (trl/trainer/grpo_trainer.py,
 * `_generate_and_score_completions`).
 */
import { mean, std } from '../statistics.ts';

export type ScaleRewards = 'group' | 'batch' | 'none';

/** TRL adds this to the standard deviation. */
const EPSILON = 1e-4;

/**
 * A = (r - mean of its group) / (std + 1e-4), where std is that of the group (DeepSeekMath, arXiv
 * 2402.03300, eq. 4.1) or of the whole batch (arXiv 2508.08221); or A without the division (Dr. GRPO,
 * arXiv 2503.20783). `rewards` has one row per group.
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

/** Share of groups whose rewards are all equal, which give no gradient. */
export function fractionZeroStd(rewards: readonly (readonly number[])[]): number {
  return rewards.filter((group) => std(group) < 1e-8).length / rewards.length;
}
