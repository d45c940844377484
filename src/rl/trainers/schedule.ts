/** Learning-rate schedules of transformers (optimization.py), by TRL's recipe names. */
type SchedulerType = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';

/** The rate of optimizer step `step` (0-based) of `maxSteps`. */
export function learningRate(
  type: SchedulerType,
  peak: number,
  step: number,
  maxSteps: number,
  warmupSteps: number,
): number {
  if (type === 'constant') return peak;
  if (step < warmupSteps) return (peak * step) / Math.max(1, warmupSteps);
  const progress = (step - warmupSteps) / Math.max(1, maxSteps - warmupSteps);
  if (type === 'linear') return peak * Math.max(0, 1 - progress);
  if (type === 'cosine') return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  return peak;
}

/**
 * `warmup_steps` when given, else `warmup_ratio`. As in transformers 5, a number of steps below 1 is a share
 * of the run too, and shares are rounded up.
 */
export function warmupSteps(recipe: {
  warmup_steps: number;
  warmup_ratio: number;
  max_steps: number;
}): number {
  const { warmup_steps: steps, warmup_ratio: ratio } = recipe;
  return steps >= 1 ? Math.floor(steps) : Math.ceil((steps || ratio) * recipe.max_steps);
}

/** The rate of step `step` (0-based) of a run. */
export function scheduledRate(
  recipe: {
    lr_scheduler_type: SchedulerType;
    learning_rate: number;
    warmup_steps: number;
    warmup_ratio: number;
    max_steps: number;
  },
  step: number,
): number {
  const { lr_scheduler_type: type, learning_rate: peak, max_steps: steps } = recipe;
  return learningRate(type, peak, step, steps, warmupSteps(recipe));
}
