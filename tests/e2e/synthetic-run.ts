import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import type { RecordedRun } from '../../src/rl/runs/record.ts';
import type { StepReport } from '../../src/rl/report.ts';

/** A recorded run with made-up numbers, for tests of the page alone. Group 3 is all equal. */
export function syntheticRun(steps: number, recipe: RecipeValues): RecordedRun {
  return {
    recipe,
    adapter: 'synthetic',
    steps: Array.from({ length: steps }, (_, i) => report(i + 1)),
  };
}

function report(step: number): StepReport {
  const rewards = step === 3 ? [2, 2, 2, 2] : [0, 1, 2, 5].map((reward) => reward + step / 10);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const std = step === 3 ? 0 : 2.16;
  return {
    metrics: {
      step,
      reward: mean,
      gold: mean / 2,
      kl: step / 1000,
      entropy: 1 - step / 100,
      loss: 0.001,
      grad_norm: 0.5,
      frac_reward_zero_std: step === 3 ? 0.25 : 0,
      thought_truth: 0.97,
      step_time: 1,
      num_tokens: 500 * step,
      'completions/mean_thought_length': 20 + step,
      'completions/mean_response_length': 12,
      'completions/malformed_ratio': 0.02,
    },
    group: {
      prompt: 'menu rice 2 plums 3 ham 4 for ana veggie budget 8',
      samples: rewards.map((reward, i) => ({
        completion: 'try rice 2 ok </think> how about rice , then plums ?',
        thought: i === 1 ? null : 'try rice 2 ok plums 3 ok left 3',
        response: `how about rice , then plums number ${i} of step ${step} ?`,
        wellFormed: i !== 1,
        truncated: i === 1,
        tokens: 17,
        reward,
        advantage: std ? (reward - mean) / std : 0,
        gold: reward / 2,
      })),
      mean,
      std,
    },
  };
}
