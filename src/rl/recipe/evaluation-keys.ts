/** Recipe keys of the evaluations inside a run, for every algorithm that has something to be judged by. */
import type { RecipeKeys } from './spec.ts';

export const evaluation = {
  eval_strategy: {
    type: 'choice',
    choices: ['no', 'steps'],
    aliases: { false: 'no' },
    default: 'no',
    help: 'With steps the policy is judged on fixed held-out prompts, or what learns from pairs on held-out pairs, before the first step, every eval_steps, and at the end.',
  },
  eval_steps: {
    type: 'integer',
    default: 25,
    min: 1,
    help: 'Steps between two evaluations.',
  },
  eval_num_prompts: {
    type: 'integer',
    default: 64,
    min: 1,
    help: 'Prompts or pairs of an evaluation (ours): of the world, or the first rows of the datasets with split: test.',
  },
} as const satisfies RecipeKeys;
