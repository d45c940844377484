/** The reports of a training step: plain data, with TRL's names if TRL has one. */

/** One row of metrics.jsonl. A metric that a step does not have (such as an evaluation) is absent. */
export interface MetricsRow {
  step: number;
  [metric: string]: number;
}

/** Numbers of every token of one completion with its stop token: arrays of the same length. */
export interface TokenTrace {
  /** The text that the token adds; '' for the stop token. */
  text: readonly string[];
  /** Tokens [start, end) that the policy did not choose (max_thought_length); their numbers are 0. */
  forced?: readonly [start: number, end: number];
  /** Log-prob under the policy before the step's update, and the entropy of its distribution, in nats. */
  logp: readonly number[];
  entropy: readonly number[];
  /** k3 estimate of the KL to the reference policy; absent without a reference. */
  kl?: readonly number[];
  /** Log-prob after the step's update. */
  after?: readonly number[];
  /** Only in GRPO and DPO: log-prob under the reference policy; absent without a reference. */
  ref?: readonly number[];
  /** Only in PPO: reward with its KL penalty, value and advantage of every token. */
  reward?: readonly number[];
  value?: readonly number[];
  advantage?: readonly number[];
}

/** One sampled completion with its scores. */
export interface Sample {
  /** The whole completion as the policy wrote it. */
  completion: string;
  /** Text before the delimiter; null without thinking, or if the delimiter is missing. */
  thought: string | null;
  /** The text that the reward model saw. */
  response: string;
  wellFormed: boolean;
  /** Cut off at max_completion_length; absent in a run that another trainer wrote. */
  truncated?: boolean;
  /**
   * Completion length in tokens, thought and delimiters included, without forced ones; absent where
   * `truncated` is.
   */
  tokens?: number;
  /** Whether the thought was closed for the policy; absent without max_thought_length. */
  thoughtCut?: boolean;
  reward: number;
  /** Each reward by its name, before weights; absent in runs recorded before there were several. */
  rewards?: Readonly<Record<string, number>>;
  /** In PPO the mean over the tokens; in DPO 1 for the chosen, -1 for the rejected, 0 for the others. */
  advantage: number;
  /** Present in the group that is shown. */
  trace?: TokenTrace;
  /** The gold judge's score, for evaluation only; absent if the run has no gold judge. */
  gold?: number;
}

/** One prompt and the G samples drawn for it. */
export interface Group {
  prompt: string;
  samples: Sample[];
  /** Mean and standard deviation (n - 1) of the group's rewards. */
  mean: number;
  std: number;
  /** Only in DPO: the two samples (by index) that the loss compares; absent if it dropped the group. */
  pair?: { readonly chosen: number; readonly rejected: number };
}

/** One completion of a fixed held-out prompt, sampled with a fixed seed: the same at every evaluation. */
export interface EvaluationSample {
  prompt: string;
  thought: string | null;
  response: string;
  wellFormed: boolean;
  truncated?: boolean;
  reward: number;
  gold?: number;
}

/** Sent after every step. */
export interface StepReport {
  metrics: MetricsRow;
  /** One of the step's groups to show; absent for algorithms without rollouts. */
  group?: Group;
  /** Groups of the first prompts of the evaluation, which training never uses. */
  followed?: readonly Group[];
  /** Present at the steps with an evaluation (eval_steps). */
  evaluation?: readonly EvaluationSample[];
}
