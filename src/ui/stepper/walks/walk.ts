/** The walk that fits a run's algorithm. */
import type { Group } from '../../../rl/report.ts';
import type { UpdateOptions } from '../update-options.ts';
import { dpoWalk } from './dpo.ts';
import { grpoWalk } from './grpo.ts';
import { ppoWalk } from './ppo.ts';
import type { Choices, Step } from './step.ts';

/** @param heldOut the update did not use this group: it learned from others */
export function walkThrough(
  group: Group,
  options: UpdateOptions,
  choices: Choices,
  heldOut = false,
): Step[] {
  switch (options.algorithm) {
    case 'ppo':
      return ppoWalk(group, options, choices, heldOut);
    case 'dpo':
      return dpoWalk(group, options, heldOut);
    default:
      return grpoWalk(group, options, choices, heldOut);
  }
}

/** The first choices of a walk: the run's own settings, and the try with the strongest push. */
export function firstChoices(group: Group, options: UpdateOptions): Choices {
  const sizes = group.samples.map(({ advantage }) => Math.abs(advantage));
  return {
    scale: options.scaleRewards,
    sample: Math.max(0, sizes.indexOf(Math.max(...sizes))),
    lambda: options.ppo.lambda,
  };
}
