/** Several rewards as one: their weighted sum (TRL's reward_weights). */
import { NotFiniteError } from '../../model/errors.ts';
import { mean, std } from '../statistics.ts';
import type { JudgedText, Reward } from './reward.ts';

/** A reward that cannot be trained on; the message says which, and for what response. */
class RewardError extends Error {
  override name = 'RewardError';
}

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

  /**
   * One score per text, in order.
   * @throws RewardError when a reward is not a finite number, or their sum is not
   */
  async score(texts: readonly JudgedText[]): Promise<WeightedScore[]> {
    const rows = await Promise.all(
      this.rewards.map(async (reward) => finite(reward.name, await scoresOf(reward, texts), texts)),
    );
    return texts.map((_, i) => {
      const own = rows.map((row) => row[i]!);
      const sum = own.reduce((total, value, k) => total + this.weights[k]! * value, 0);
      if (!Number.isFinite(sum)) refuse('the weighted sum of the rewards', sum, texts[i]!);
      return {
        reward: sum,
        rewards: Object.fromEntries(this.rewards.map(({ name }, k) => [name, own[k]!])),
      };
    });
  }
}

async function scoresOf(reward: Reward, texts: readonly JudgedText[]): Promise<number[]> {
  try {
    return await reward.score(texts);
  } catch (error) {
    throw error instanceof NotFiniteError
      ? new RewardError(`${reward.name}: ${error.message}`)
      : error;
  }
}

/**
 * Rewards of one prompt, which are compared with each other.
 * @throws RewardError when their mean or standard deviation is not finite
 */
export function checkSpread(rewards: readonly number[]): void {
  if (Number.isFinite(mean(rewards)) && Number.isFinite(std(rewards))) return;
  throw new RewardError(
    `The rewards of one prompt go from ${Math.min(...rewards)} to ${Math.max(...rewards)}, so their ` +
      'mean and standard deviation are too large to compute. Return smaller numbers.',
  );
}

function finite(name: string, scores: readonly number[], texts: readonly JudgedText[]): number[] {
  return texts.map((text, i) => {
    const score = scores[i];
    if (score === undefined || !Number.isFinite(score)) return refuse(name, score, text);
    return score;
  });
}

function refuse(name: string, score: number | undefined, { response }: JudgedText): never {
  const shown = response.length > 80 ? `${response.slice(0, 80)}…` : response;
  throw new RewardError(
    `${name} is ${score} for the response ${JSON.stringify(shown)}; it must be a finite number. ` +
      'Correct this reward, or leave it out of the recipe.',
  );
}
