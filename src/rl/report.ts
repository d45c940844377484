/** What a training step tells the world: plain data, in TRL's names where TRL has one. */

/** One row of metrics.jsonl. Sparse metrics (an evaluation every n steps) are simply absent. */
export interface MetricsRow {
  step: number;
  [metric: string]: number;
}

/** Numbers of every token of one completion, the stop token included: arrays of one length. */
export interface TokenTrace {
  /** What the token adds to the text; '' for the stop token. */
  text: readonly string[];
  /** Log-prob under the policy before the step's update, and the entropy of its distribution, in nats. */
  logp: readonly number[];
  entropy: readonly number[];
  /** k3 estimate of the KL to the reference policy; absent without a reference. */
  kl?: readonly number[];
  /** Log-prob after the step's update. */
  after?: readonly number[];
  /** DPO alone: log-prob under the reference policy. */
  ref?: readonly number[];
  /** PPO alone: reward with its KL penalty, value and advantage of every token. */
  reward?: readonly number[];
  value?: readonly number[];
  advantage?: readonly number[];
}

/** One sampled completion, as it was judged. */
export interface Sample {
  /** The whole completion as the policy wrote it. */
  completion: string;
  /** Text before the delimiter; null when the arm has no thought or the delimiter is missing. */
  thought: string | null;
  /** What the reward model saw. */
  response: string;
  wellFormed: boolean;
  /** Cut off at max_completion_length. */
  truncated: boolean;
  /** Completion length in tokens, thought and delimiters included. */
  tokens: number;
  reward: number;
  /** Each reward by its name, before weights; absent in runs recorded before there were several. */
  rewards?: Readonly<Record<string, number>>;
  /** In PPO the mean over its tokens; in DPO 1 for the chosen, -1 for the rejected, 0 for the others. */
  advantage: number;
  /** For the group that is shown. */
  trace?: TokenTrace;
  /** The hidden utility, for evaluation alone; absent when the run has no gold judge. */
  gold?: number;
}

/** One prompt and the G samples drawn for it. */
export interface Group {
  prompt: string;
  samples: Sample[];
  /** Mean and standard deviation (n - 1) of the group's rewards. */
  mean: number;
  std: number;
  /** DPO alone: which two samples (by index) the loss compares; absent when it dropped the group. */
  pair?: { readonly chosen: number; readonly rejected: number };
}

/** One completion of a fixed held-out prompt, sampled with a fixed seed: the same at every evaluation. */
export interface EvaluationSample {
  prompt: string;
  thought: string | null;
  response: string;
  wellFormed: boolean;
  truncated: boolean;
  reward: number;
  gold?: number;
}

/** Sent after every optimizer step. */
export interface StepReport {
  metrics: MetricsRow;
  /** One of the step's groups, to be shown; none for algorithms without rollouts. */
  group?: Group;
  /** At the steps that eval_steps names. */
  evaluation?: readonly EvaluationSample[];
}
