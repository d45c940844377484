import { expect, it } from 'vitest';
import { makeRecipe } from '../recipe/recipe.ts';
import { UpdateMetrics } from './update-metrics.ts';

const base = { algorithm: 'grpo', model_name_or_path: 'm', world: 'meal-planner' };
const rewards = { reward_model_name_or_path: 'r', num_iterations: 2, beta: 0.1 };
const recipeWith = (more: object) => makeRecipe({ ...base, ...rewards, ...more });

/** Two completions; the second one is truncated. */
const numbers = (masked: boolean) => [
  { masked: false, logp: [-1, -2], entropy: [1, 2], written: [-1, -2.5] },
  { masked, logp: [-1, -1, -1], entropy: [4, 4, 4], written: [-3, -1, -1] },
];
const loss = {
  loss: 1,
  dLogp: [],
  dEntropy: [],
  klSum: 4,
  clippedLow: 1,
  clippedHigh: 2,
  tokens: 2,
};

it('leaves out the tokens of truncated completions that the loss leaves out', () => {
  const metrics = new UpdateMetrics(recipeWith({}), { completions: 2, activeTokens: 2 });
  metrics.addTokens(numbers(true));
  expect(metrics.values(0)).toMatchObject({
    entropy: 1.5,
    'sampling/sampling_logp_difference/mean': 0.25,
    'sampling/sampling_logp_difference/max': 0.5,
  });
  const whole = new UpdateMetrics(recipeWith({}), { completions: 2, activeTokens: 5 });
  whole.addTokens(numbers(false));
  expect(whole.values(0)).toMatchObject({
    entropy: 3,
    'sampling/sampling_logp_difference/mean': 0.5,
    'sampling/sampling_logp_difference/max': 2,
  });
});

it('has no entropy in a step of which all is left out', () => {
  const metrics = new UpdateMetrics(recipeWith({}), { completions: 2, activeTokens: 0 });
  metrics.addTokens(numbers(true).slice(1));
  expect(metrics.values(0)).not.toHaveProperty('entropy');
});

it('divides by the tokens or the completions of all iterations', () => {
  const totals = { completions: 5, activeTokens: 10 };
  const of = (more: object) => {
    const metrics = new UpdateMetrics(recipeWith(more), totals);
    for (let iteration = 0; iteration < 2; iteration++) metrics.addLoss(loss);
    return metrics.values(3);
  };
  expect(of({})).toMatchObject({
    ...{ loss: 1, kl: 0.4, grad_norm: 3 },
    ...{ 'clip_ratio/low_mean': 0.1, 'clip_ratio/high_mean': 0.2 },
  });
  expect(of({ importance_sampling_level: 'sequence' })).toMatchObject({
    ...{ kl: 0.4, 'clip_ratio/low_mean': 0.2, 'clip_ratio/high_mean': 0.4 },
  });
});
