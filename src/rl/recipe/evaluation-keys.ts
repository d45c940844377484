/** Recipe keys of the evaluations inside a run, for every algorithm with a measure of success. */
import { MOST_STEPS, type RecipeKeys } from './spec.ts';

export const evaluation = {
  eval_strategy: {
    type: 'choice',
    choices: ['no', 'steps'],
    aliases: { false: 'no' },
    default: 'no',
    help: 'With steps, the run evaluates before the first step, every eval_steps steps, and at the end: on fixed held-out prompts, or on held-out pairs if it learns from pairs.',
  },
  eval_steps: {
    type: 'integer',
    default: 25,
    min: 1,
    max: MOST_STEPS,
    help: 'Steps from one evaluation to the next.',
  },
  eval_num_prompts: {
    type: 'integer',
    default: 64,
    min: 1,
    max: MOST_STEPS,
    help: 'Number of prompts or pairs in an evaluation (ours). They come from the world, or are the first rows of the datasets with split: test.',
  },
} as const satisfies RecipeKeys;
