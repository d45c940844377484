/** Recipe keys that only some algorithms have. */
import type { RecipeKeys } from './spec.ts';

export const examples = {
  max_length: {
    type: 'integer',
    default: 1024,
    min: 2,
    help: 'Longest training example in tokens; memory is planned for it, and a longer one is refused.',
  },
} as const satisfies RecipeKeys;

export const lessons = {
  world_data: {
    type: 'choice',
    choices: ['demonstrations', 'base'],
    default: 'demonstrations',
    help: 'What of the world is read (ours): demonstrations of the task, or for a base model text in which nobody does it well.',
  },
} as const satisfies RecipeKeys;

export const judge = {
  center_rewards_coefficient: {
    type: 'number',
    default: 0,
    min: 0,
    max: 100,
    help: 'Keeps the mean reward of a pair near zero; 0.01 is a good value, 0 is off.',
  },
} as const satisfies RecipeKeys;

export const generation = {
  log_completions: {
    type: 'flag',
    default: true,
    help: 'Writes every completion with its rewards into the run folder, one file per step.',
  },
  max_prompt_length: {
    type: 'integer',
    default: 512,
    min: 1,
    help: 'Longest prompt in tokens; memory is planned for it, and a longer one is refused.',
  },
  num_generations: {
    type: 'integer',
    default: 8,
    defaults: { ppo: 1 },
    min: 1,
    help: 'Completions per prompt, the group whose members are compared: more give a steadier advantage; ppo compares none, and can do with 1.',
  },
  max_completion_length: {
    type: 'integer',
    default: 256,
    min: 1,
    help: 'Longest completion in tokens, thought and response together; raise it when many are cut off.',
  },
  temperature: {
    type: 'number',
    default: 1,
    above: 0,
    max: 10,
    help: 'How freely completions are sampled: 1 samples as the model believes, below is more timid.',
  },
  top_p: {
    type: 'number',
    default: 1,
    above: 0,
    max: 1,
    help: 'Only the most probable tokens that together have this probability are sampled; 1 is off.',
  },
  top_k: {
    type: 'integer',
    default: 0,
    min: 0,
    help: 'Only this many of the most probable tokens are sampled; 0 is off.',
  },
  min_p: {
    type: 'number',
    default: 0,
    min: 0,
    max: 1,
    help: 'Tokens less probable than this share of the most probable one are not sampled; 0 is off.',
  },
} as const satisfies RecipeKeys;
