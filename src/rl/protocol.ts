/**
 * What crosses between the page (or the command line) and the workers that train: plain data only,
 * nothing that lives on a GPU. Metric names are TRL's.
 */

/** One row of metrics.jsonl. Sparse metrics (an evaluation every n steps) are simply absent. */
export interface MetricsRow {
  step: number;
  [metric: string]: number;
}

/** Values of recipe keys as they cross to a worker; recipe.ts checks them. */
export type RecipeValue = string | number | boolean | null | readonly RecipeValue[] | RecipeObject;
export interface RecipeObject {
  readonly [key: string]: RecipeValue;
}
export type RecipeValues = RecipeObject;

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

export type Phase =
  'loading' | 'compiling' | 'training' | 'paused' | 'finished' | 'stopped' | 'failed';

export interface Status {
  phase: Phase;
  /** Optimizer steps done, and to be done. */
  step: number;
  maxSteps: number;
  /** Mean over the last steps; absent before the first. */
  secondsPerStep?: number;
  /** What is under way inside a step, in the user's words: "writing 128 samples (40%)". */
  detail?: string;
  /** In phase 'failed': what went wrong and what to do. */
  error?: string;
  /** The run can go on from this step after a reload; absent before the first checkpoint. */
  savedStep?: number;
  /** Why the run is not being saved any more, and what to do. Training goes on. */
  unsaved?: string;
  adapter?: string;
  /** Bytes on the GPU by lifetime. */
  memory?: Record<string, number>;
}

/** A finished run, small enough to be shipped with the page and replayed without a GPU. */
export interface RecordedRun {
  recipe: RecipeValues;
  adapter: string;
  /** The reward the initial policy got on the same held-out prompts, and the final one. */
  steps: StepReport[];
}

export interface TrainingListener {
  onStatus(status: Status): void;
  onStep(report: StepReport): void;
}

/** The policy worker, as the page sees it through comlink. */
export interface TrainingService {
  /**
   * Loads the models the recipe names (URLs relative to the page) and gets ready to step. With
   * `resume` it goes on from the last checkpoint of the kept run, whose steps are reported first;
   * without, a kept run is given up.
   */
  open(recipe: RecipeValues, listener: TrainingListener, resume: boolean): Promise<void>;
  /** Runs until done, paused or stopped. */
  start(): Promise<void>;
  pause(): Promise<void>;
  /** One optimizer step, then pause. */
  step(): Promise<void>;
  stop(): Promise<void>;
}
