/** What is not as it was where another trainer starts anew, in its schedule and its reference. */
import type { Recipe } from '../../rl/recipe/recipe.ts';
import { scheduledRate, warmupSteps } from '../../rl/trainers/schedule.ts';

/**
 * A schedule for the steps that are left: with the rest of the warm-up, up to the peak, or from where the rate is.
 * @returns `warmup` in steps
 */
export function restOfSchedule(recipe: Recipe, step: number): { rate: number; warmup: number } {
  const warmup =
    recipe.lr_scheduler_type === 'constant' ? 0 : Math.max(0, warmupSteps(recipe) - step);
  return { rate: warmup > 0 ? recipe.learning_rate : scheduledRate(recipe, step), warmup };
}

export function rateSentence({ lr_scheduler_type: type }: Recipe): string {
  if (type === 'constant') return 'The learning rate is the same.';
  const start = 'The learning rate begins where it was, or with the rest of the warm-up';
  if (type === 'constant_with_warmup') return `${start}, and stays at its peak.`;
  const curve = type === 'cosine' ? 'a cosine' : 'a line';
  return `${start}, and ${curve} falls from there to zero.`;
}

/** Both verl and OpenRLHF load the model of the policy a second time as the reference. */
export function referenceSentence({ beta }: Recipe, adapter: boolean): string {
  if (beta === 0) return 'There is no KL penalty, so no reference is loaded.';
  return adapter
    ? 'The KL penalty compares with the model under the adapter.'
    : 'The KL penalty compares with the policy at this step, not with the policy before training.';
}
