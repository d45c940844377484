/** Recipe keys of the losses that move a policy. */
import type { RecipeKeys } from './spec.ts';

export const preference = {
  beta: {
    type: 'number',
    default: 0.001,
    defaults: { dpo: 0.1 },
    min: 0,
    max: 100,
    help: 'Weight of the KL penalty that keeps the policy near where it began; raise it when it games the reward; in dpo, where 0.1 is usual, a smaller one lets pairs part further.',
  },
  loss_type: {
    type: 'choice',
    choices: ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo', 'sigmoid'],
    default: 'dapo',
    defaults: { dpo: 'sigmoid' },
    help: 'How token losses are averaged: per completion (grpo), over all tokens (bnpo, dapo), by a fixed length (dr_grpo), or by no length at all (luspo); cispo bounds ratios without silencing tokens, and takes an epsilon_high of about 5; sapo and vespo weigh tokens or completions that moved far smoothly in place of clipping; for dpo there is sigmoid alone.',
  },
} as const satisfies RecipeKeys;

export const groupObjective = {
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
  sapo_temperature_pos: {
    type: 'number',
    default: 1,
    above: 0,
    max: 100,
    help: 'How fast sapo lets go of a token with a positive advantage as its probability ratio moves from 1.',
  },
  sapo_temperature_neg: {
    type: 'number',
    default: 1.05,
    above: 0,
    max: 100,
    help: 'The same for tokens with other advantages, where letting go faster steadies training.',
  },
  vespo_k_pos: {
    type: 'number',
    default: 2,
    min: 0,
    max: 100,
    help: 'How fast vespo lets go of a completion with a positive advantage that has become less likely.',
  },
  vespo_lambda_pos: {
    type: 'number',
    default: 3,
    min: 1e-4,
    max: 100,
    help: 'How fast vespo lets go of a completion with a positive advantage that has become likelier.',
  },
  vespo_k_neg: {
    type: 'number',
    default: 3,
    min: 0,
    max: 100,
    help: 'How fast vespo lets go of a completion with a negative advantage that has become less likely.',
  },
  vespo_lambda_neg: {
    type: 'number',
    default: 2,
    min: 1e-4,
    max: 100,
    help: 'How fast vespo lets go of a completion with a negative advantage that has become likelier.',
  },
  use_bias_correction_kl: {
    type: 'flag',
    default: false,
    help: 'Multiplies the KL of each token by its probability ratio, which makes its gradient exact on average; the default of TRL, and not of the RLMT paper.',
  },
  entropy_coef: {
    type: 'number',
    default: 0,
    min: 0,
    max: 100,
    help: 'Rewards the policy for staying undecided, by its mean entropy; the RLMT paper has 0.001, and too much makes text random.',
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
  mask_truncated_completions: {
    type: 'flag',
    default: false,
    help: 'Leaves completions that were cut off out of the loss.',
  },
} as const satisfies RecipeKeys;

export const pairs = {
  online: {
    type: 'flag',
    default: false,
    help: 'Pairs are drawn from the policy as it is being trained (ours), in place of the policy as it was at first.',
  },
} as const satisfies RecipeKeys;

export const proximal = {
  num_ppo_epochs: {
    type: 'integer',
    default: 4,
    min: 1,
    max: 100,
    help: 'How often each batch of completions is learned from: more use the samples better and drift further.',
  },
  num_mini_batches: {
    type: 'integer',
    default: 1,
    min: 1,
    help: 'Optimizer steps in each of those passes: the prompts of a step are shuffled and split into so many parts.',
  },
  kl_coef: {
    type: 'number',
    default: 0.05,
    min: 0,
    max: 100,
    help: 'Weight of the KL penalty that keeps the policy near where it began; raise it when it games the reward.',
  },
  kl_estimator: {
    type: 'choice',
    choices: ['k1', 'k3'],
    default: 'k1',
    help: 'How the KL is estimated from the tokens that were written: k1 is the plain difference of log-probs, k3 is never negative and varies less.',
  },
  kl_in: {
    type: 'choice',
    choices: ['reward', 'loss'],
    default: 'reward',
    help: 'Where the KL penalty stands (ours): in the reward of each token, as usual in ppo, or in the loss, as in grpo.',
  },
  cliprange: {
    type: 'number',
    default: 0.2,
    above: 0,
    max: 1,
    help: 'How far from 1 the probability ratio of a token still counts.',
  },
  cliprange_value: {
    type: 'number',
    default: 0.5,
    above: 0,
    help: 'How far a value may move from what it was when the batch was written.',
  },
  vf_coef: {
    type: 'number',
    default: 0.1,
    above: 0,
    max: 100,
    help: 'Weight of the value loss; the value model has an optimizer of its own, so that it changes little but when gradients are clipped.',
  },
  value_learning_rate: {
    type: 'number',
    optional: true,
    above: 0,
    max: 1,
    help: 'Learning rate of the value model (ours); without it ten times that of the policy.',
  },
  gamma: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'Discount: below 1 what a token leads to counts the less the later it comes.',
  },
  lam: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'How much advantages trust what came of a completion (1) or the value model (0); 0.95 is usual too.',
  },
  whiten_rewards: {
    type: 'flag',
    default: false,
    help: 'Divides the rewards of tokens by their standard deviation over the batch; advantages always are.',
  },
  missing_eos_penalty: {
    type: 'number',
    optional: true,
    above: 0,
    help: 'Subtracted from the score of a completion that was cut off.',
  },
} as const satisfies RecipeKeys;
