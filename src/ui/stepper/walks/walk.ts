/** The walk that fits a run's algorithm. */
import type { Group } from '../../../rl/report.ts';
import type { UpdateOptions } from '../update-options.ts';
import { dpoWalk } from './dpo.ts';
import { grpoWalk } from './grpo.ts';
import { ppoWalk } from './ppo.ts';
import type { Choices, Step } from './step.ts';

export function walkThrough(group: Group, options: UpdateOptions, choices: Choices): Step[] {
  switch (options.algorithm) {
    case 'ppo':
      return ppoWalk(group, options, choices);
    case 'dpo':
      return dpoWalk(group, options);
    default:
      return grpoWalk(group, options, choices);
  }
}

/** Where a walk begins: the run's own settings, and the try with the strongest push. */
export function firstChoices(group: Group, options: UpdateOptions): Choices {
  const sizes = group.samples.map(({ advantage }) => Math.abs(advantage));
  return {
    scale: options.scaleRewards,
    sample: Math.max(0, sizes.indexOf(Math.max(...sizes))),
    lambda: options.ppo.lambda,
  };
}
