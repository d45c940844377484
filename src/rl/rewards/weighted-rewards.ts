/** Several rewards as one: their weighted sum (TRL's reward_weights). */
import type { JudgedText, Reward } from './reward.ts';

/** The scores of one text. */
export interface WeightedScore {
  /** The weighted sum. */
  reward: number;
  /** Each reward by name, without its weight. */
  rewards: Record<string, number>;
}

export class WeightedRewards {
  /** @param weights one per reward, in order; 1 each by default */
  constructor(
    private readonly rewards: readonly Reward[],
    private readonly weights: readonly number[] = rewards.map(() => 1),
  ) {}

  /** One score per text, in order. */
  async score(texts: readonly JudgedText[]): Promise<WeightedScore[]> {
    const rows = await Promise.all(this.rewards.map((reward) => reward.score(texts)));
    return texts.map((_, i) => {
      const own = rows.map((row) => row[i]!);
      return {
        reward: own.reduce((sum, value, k) => sum + this.weights[k]! * value, 0),
        rewards: Object.fromEntries(this.rewards.map(({ name }, k) => [name, own[k]!])),
      };
    });
  }
}
