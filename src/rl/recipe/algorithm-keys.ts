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
  max_prompt_length: {
    type: 'integer',
    default: 512,
    min: 1,
    help: 'Longest prompt in tokens; memory is planned for it, and a longer one is refused.',
  },
  num_generations: {
    type: 'integer',
    default: 8,
    min: 2,
    help: 'Completions per prompt, the group whose members are compared: more give a steadier advantage.',
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

export const objective = {
  beta: {
    type: 'number',
    default: 0.001,
    min: 0,
    max: 100,
    help: 'Weight of the KL penalty that keeps the policy near where it began; raise it when it games the reward.',
  },
  epsilon: {
    type: 'number',
    default: 0.2,
    above: 0,
    max: 1,
    help: 'How far below 1 the probability ratio of a token still counts, and above 1 unless epsilon_high is set.',
  },
  epsilon_high: {
    type: 'number',
    optional: true,
    above: 0,
    help: 'Upper bound of the clipping, as epsilon is the lower; 0.28 keeps entropy up.',
  },
  delta: {
    type: 'number',
    optional: true,
    above: 1,
    help: 'Second bound on the probability ratio, for tokens with a negative advantage (two-sided clipping).',
  },
  loss_type: {
    type: 'choice',
    choices: ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo'],
    default: 'dapo',
    help: 'How token losses are averaged: per completion (grpo), over all tokens (bnpo, dapo), or by a fixed length (dr_grpo); cispo bounds ratios without silencing tokens, and takes an epsilon_high of about 5.',
  },
  scale_rewards: {
    type: 'choice',
    choices: ['group', 'batch', 'none'],
    aliases: { true: 'group', false: 'none' },
    default: 'group',
    help: "Advantages are divided by the rewards' standard deviation over the group, the batch, or not at all.",
  },
  importance_sampling_level: {
    type: 'choice',
    choices: ['token', 'sequence'],
    default: 'token',
    help: 'Probability ratios per token, or one per completion (GSPO).',
  },
  top_entropy_quantile: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'The policy learns only from this share of the tokens, those it was least sure of; 0.2 is usual, 1 takes all.',
  },
  num_iterations: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 100,
    help: 'Optimizer steps on each batch of completions: more use the samples better and drift further.',
  },
  log_completions: {
    type: 'flag',
    default: true,
    help: 'Writes every completion with its rewards into the run folder, one file per step.',
  },
  mask_truncated_completions: {
    type: 'flag',
    default: false,
    help: 'Leaves completions that were cut off out of the loss.',
  },
} as const satisfies RecipeKeys;
