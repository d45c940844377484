/** Recipe keys of the losses that train a policy. */
import { MOST_SEQUENCES, type RecipeKeys } from './spec.ts';

export const preference = {
  beta: {
    type: 'number',
    default: 0.001,
    defaults: { dpo: 0.1 },
    min: 0,
    max: 100,
    help: 'Weight of the KL penalty that keeps the policy close to the reference; raise it when the policy games the reward. For DPO 0.1 is usual, and a smaller value lets the policy move further.',
  },
  loss_type: {
    type: 'choice',
    choices: ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo', 'sigmoid'],
    default: 'dapo',
    defaults: { dpo: 'sigmoid' },
    help: 'How token losses are averaged: per completion (grpo), over all tokens (bnpo, dapo), by a fixed length (dr_grpo), or by no length (luspo). cispo limits ratios but keeps every token, with epsilon_high about 5; sapo and vespo use smooth weights in place of clipping; DPO has sigmoid only.',
  },
} as const satisfies RecipeKeys;

export const groupObjective = {
  epsilon: {
    type: 'number',
    default: 0.2,
    above: 0,
    max: 1,
    help: 'Clipping: the probability ratio of a token counts from 1 - epsilon to 1 + epsilon; epsilon_high sets another upper limit.',
  },
  epsilon_high: {
    type: 'number',
    optional: true,
    above: 0,
    help: 'Upper limit of the clipping, 1 + epsilon_high; 0.28 keeps entropy higher. With cispo the limit is epsilon_high itself.',
  },
  delta: {
    type: 'number',
    optional: true,
    above: 1,
    help: 'Largest probability ratio for tokens with a negative advantage (two-sided clipping).',
  },
  sapo_temperature_pos: {
    type: 'number',
    default: 1,
    above: 0,
    max: 100,
    help: 'How fast sapo reduces the weight of a token with a positive advantage as its probability ratio moves away from 1.',
  },
  sapo_temperature_neg: {
    type: 'number',
    default: 1.05,
    above: 0,
    max: 100,
    help: 'The same for tokens with a negative or zero advantage; a higher value than sapo_temperature_pos makes training more stable.',
  },
  vespo_k_pos: {
    type: 'number',
    default: 2,
    min: 0,
    max: 100,
    help: 'How fast vespo reduces the weight of a completion with a positive advantage that has become less likely.',
  },
  vespo_lambda_pos: {
    type: 'number',
    default: 3,
    min: 1e-4,
    max: 100,
    help: 'How fast vespo reduces the weight of a completion with a positive advantage that has become more likely.',
  },
  vespo_k_neg: {
    type: 'number',
    default: 3,
    min: 0,
    max: 100,
    help: 'How fast vespo reduces the weight of a completion with a negative advantage that has become less likely.',
  },
  vespo_lambda_neg: {
    type: 'number',
    default: 2,
    min: 1e-4,
    max: 100,
    help: 'How fast vespo reduces the weight of a completion with a negative advantage that has become more likely.',
  },
  use_bias_correction_kl: {
    type: 'flag',
    default: false,
    help: 'Multiplies the KL of each token by its probability ratio, so that its gradient is unbiased. TRL does this by default; the RLMT paper does not.',
  },
  entropy_coef: {
    type: 'number',
    default: 0,
    min: 0,
    max: 100,
    help: 'Weight of a bonus for the mean entropy of the policy, which keeps it exploring. The RLMT paper uses 0.001; a large value makes the text random.',
  },
  scale_rewards: {
    type: 'choice',
    choices: ['group', 'batch', 'none'],
    aliases: { true: 'group', false: 'none' },
    default: 'group',
    help: 'Divides advantages by the standard deviation of the rewards of the group or of the batch; none does not divide.',
  },
  importance_sampling_level: {
    type: 'choice',
    choices: ['token', 'sequence'],
    default: 'token',
    help: 'Whether each token has its own probability ratio (token), or the whole completion has one (sequence, GSPO).',
  },
  top_entropy_quantile: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'Share of tokens that the policy learns from, those with the highest entropy; 0.2 is usual, 1 takes all.',
  },
  num_iterations: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 100,
    help: 'Optimizer steps on each batch of completions. More steps learn more from each sample but move further from the policy that wrote it.',
  },
  dynamic_sampling: {
    type: 'integer',
    default: 0,
    aliases: { true: 3, false: 0 },
    min: 0,
    max: 100,
    help: 'How often a group whose rewards are all equal is replaced by the group of a fresh prompt (ours, after DAPO); true means 3 times. Groups that are still equal then stay. 0 turns it off.',
  },
  mask_zero_std_groups: {
    type: 'flag',
    default: false,
    help: 'Leaves groups whose rewards are all equal out of the loss, its KL and its averages (ours), so that they do not make the step smaller.',
  },
  mask_truncated_completions: {
    type: 'flag',
    default: false,
    help: 'Leaves completions that reached max_completion_length out of the loss.',
  },
} as const satisfies RecipeKeys;

export const pairs = {
  online: {
    type: 'flag',
    default: false,
    help: 'Samples the pairs from the current policy (ours) in place of the policy before training.',
  },
} as const satisfies RecipeKeys;

export const proximal = {
  num_ppo_epochs: {
    type: 'integer',
    default: 4,
    min: 1,
    max: 100,
    help: 'Number of passes over each batch of completions. More passes learn more from each sample but move further from the policy that wrote it.',
  },
  num_mini_batches: {
    type: 'integer',
    default: 1,
    min: 1,
    max: MOST_SEQUENCES,
    help: 'Optimizer steps in each pass: the prompts of a step are shuffled and split into this many parts.',
  },
  kl_coef: {
    type: 'number',
    default: 0.05,
    min: 0,
    max: 100,
    help: 'Weight of the KL penalty that keeps the policy close to the reference; raise it when the policy games the reward.',
  },
  kl_estimator: {
    type: 'choice',
    choices: ['k1', 'k3'],
    default: 'k1',
    help: 'How the KL is estimated from the sampled tokens: k1 is the difference of log-probs; k3 is never negative and has less variance.',
  },
  kl_in: {
    type: 'choice',
    choices: ['reward', 'loss'],
    default: 'reward',
    help: 'Where the KL penalty is added (ours): to the reward of each token, as usual in PPO, or to the loss, as in GRPO.',
  },
  cliprange: {
    type: 'number',
    default: 0.2,
    above: 0,
    max: 1,
    help: 'Clipping: the probability ratio of a token counts from 1 - cliprange to 1 + cliprange.',
  },
  cliprange_value: {
    type: 'number',
    default: 0.5,
    above: 0,
    help: 'Clipping of values: how far a value may move from its value when the batch was sampled.',
  },
  vf_coef: {
    type: 'number',
    default: 0.1,
    above: 0,
    max: 100,
    help: 'Weight of the value loss. The value model has its own optimizer, so this matters only when gradients are clipped.',
  },
  value_learning_rate: {
    type: 'number',
    optional: true,
    above: 0,
    max: 1,
    help: "Learning rate of the value model (ours); when it is not set, ten times the policy's.",
  },
  gamma: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'Discount: below 1, a reward counts less the more tokens come before it.',
  },
  lam: {
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    help: 'What advantages rely on: 1 uses the actual rewards of a completion, 0 the predictions of the value model; 0.95 is also usual.',
  },
  whiten_rewards: {
    type: 'flag',
    default: false,
    help: 'Divides the rewards of tokens by their standard deviation over the batch. Advantages are always whitened.',
  },
  missing_eos_penalty: {
    type: 'number',
    optional: true,
    above: 0,
    help: 'Amount subtracted from the score of a completion that reached max_completion_length.',
  },
} as const satisfies RecipeKeys;
