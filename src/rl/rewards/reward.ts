import type { Prompt } from '../data/dataset.ts';

/** A reward is a function of what was asked and the response; the thought is not among its arguments. */
export interface JudgedText extends Prompt {
  response: string;
}

export interface Reward {
  /** Names the metric `rewards/<name>/mean`. */
  readonly name: string;
  /** One finite number per text, in order. */
  score(texts: readonly JudgedText[]): Promise<number[]>;
}

/**
 * A judge for evaluation alone, never a reward: the hidden utility of a world, or a reward model that
 * nothing is trained against.
 */
export interface GoldJudge {
  /** One finite number per text, in order. */
  score(texts: readonly JudgedText[]): Promise<number[]>;
  /** Share of a thought's checkable statements that are true; undefined when it makes none. */
  thoughtTruth?(prompt: string, thought: string): number | undefined;
}
