/** Learning-rate schedules of transformers (optimization.py), by TRL's recipe names. */
export type SchedulerType = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';

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
