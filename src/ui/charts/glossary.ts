/** What the metrics mean, in a sentence each. Names are TRL's. */
const MEANINGS: Readonly<Record<string, string>> = {
  reward: 'Mean reward of the step’s completions: the weighted sum of all rewards.',
  reward_std:
    'Standard deviation of the rewards over all completions of the step, across all prompts.',
  gold: 'Mean score by the gold judge: the hidden true score, or a model that only watches. Training never sees it.',
  thought_truth: 'Share of the claims in the thoughts that are true.',
  frac_reward_zero_std: 'Share of groups whose rewards are all equal: these give no gradient.',
  'dynamic_sampling/fresh_prompts':
    'Prompts that were drawn in this step to replace groups whose rewards were all equal.',
  kl: 'Mean distance from the reference model, in nats per token (k3 estimate).',
  entropy: 'How undecided the model is at each token, in nats.',
  loss: 'What the optimizer lowers. In reinforcement learning it stays near zero and says little.',
  grad_norm: 'Length of the gradient before clipping; a sudden peak means a step worth looking at.',
  learning_rate: 'Size of the optimizer’s step at this point of its schedule.',
  num_tokens: 'Prompt and completion tokens processed since the run began.',
  step_time: 'Seconds that the step took, without following held-out prompts.',
  'completions/mean_length': 'Mean length of a completion in tokens.',
  'completions/min_length': 'Shortest completion of the step, in tokens.',
  'completions/max_length': 'Longest completion of the step, in tokens.',
  'completions/clipped_ratio': 'Share of completions cut off at the length limit.',
  'completions/mean_terminated_length':
    'Mean length in tokens of the completions that ended by themselves.',
  'completions/mean_thought_length': 'Mean length of a thought in words.',
  'completions/mean_response_length': 'Mean length of a response in words.',
  'completions/repetition':
    'Share of three words in a row that a response had before; a model that exploits its judge often repeats itself.',
  'completions/malformed_ratio':
    'Share of completions in which thought and response cannot be told apart.',
  'completions/clipped_thought_ratio':
    'Share of thoughts that were ended for the policy, at max_thought_length or where it would stop.',
  'clip_ratio/low_mean':
    'Share of tokens whose probability fell so far that clipping stops their gradient.',
  'clip_ratio/high_mean':
    'Share of tokens whose probability rose so far that clipping stops their gradient.',
  'clip_ratio/region_mean': 'Share of clipped tokens, in either direction.',
  'sampling/sampling_logp_difference/mean':
    'Mean gap between a token’s log-prob when it was sampled and when it was trained on; it should be tiny.',
  'sampling/sampling_logp_difference/max': 'The largest such gap of the step.',
  'objective/kl': 'Mean KL to the reference model, summed over a completion.',
  'objective/entropy': 'Entropy summed over a completion, in nats.',
  'objective/scores': 'Mean score of the completions before the KL penalty.',
  'objective/rlhf_reward': 'Score minus the KL penalty: what PPO maximises.',
  'objective/non_score_reward': 'The part of PPO’s reward that is the KL penalty.',
  'policy/approxkl_avg': 'How far the update moved the policy.',
  'policy/clipfrac_avg': 'Share of clipped tokens.',
  'loss/policy_avg': 'Policy loss.',
  'loss/value_avg': 'Squared error of the value model (also called the critic).',
  'val/clipfrac_avg': 'Share of the value model’s values that are clipped.',
  'rewards/chosen': 'DPO’s implicit reward of the chosen responses.',
  'rewards/rejected': 'DPO’s implicit reward of the rejected responses.',
  'rewards/accuracies': 'Share of pairs whose chosen response has the higher implicit reward.',
  'rewards/margins': 'Implicit reward of the chosen minus that of the rejected response.',
  accuracy: 'Share of pairs whose preferred response gets the higher score.',
  margin: 'Score of the preferred response minus that of the other.',
  'logps/chosen': 'Mean log-prob of the chosen responses.',
  'logps/rejected': 'Mean log-prob of the rejected responses.',
};

/** '' for a metric without a description. */
export function meaningOf(key: string): string {
  const known = Object.hasOwn(MEANINGS, key) ? MEANINGS[key] : undefined;
  if (known) return known;
  const [, reward, what] = /^rewards\/(.+)\/(mean|std)$/.exec(key) ?? [];
  if (reward) {
    return what === 'mean'
      ? `Mean of the reward “${reward}”, before its weight.`
      : `Standard deviation of the reward “${reward}”.`;
  }
  const plain = key.startsWith('eval_') ? meaningOf(key.slice('eval_'.length)) : '';
  return plain && `On the held-out prompts: ${plain.charAt(0).toLowerCase()}${plain.slice(1)}`;
}
