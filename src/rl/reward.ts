/**
 * A reward is a function of the prompt and the response; the thought is not among its arguments.
 */
export interface JudgedText {
  prompt: string;
  response: string;
}

export interface Reward {
  /** Names the metric `rewards/<name>/mean`. */
  readonly name: string;
  /** One finite number per text, in order. */
  score(texts: readonly JudgedText[]): Promise<number[]>;
}

/** The hidden utility of a world: evaluation alone, never a reward. */
export interface GoldJudge {
  utility(prompt: string, response: string): number;
  /** Share of a thought's checkable statements that are true; undefined when it makes none. */
  thoughtTruth?(prompt: string, thought: string): number | undefined;
}
