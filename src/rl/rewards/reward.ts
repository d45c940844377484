import type { Prompt } from '../data/dataset.ts';

/** The arguments of a reward: the prompt's row and the response, never the thought. */
export interface JudgedText extends Prompt {
  response: string;
}

export interface Reward {
  /** The name in the metric `rewards/<name>/mean`. */
  readonly name: string;
  /** One finite number per text, in order. */
  score(texts: readonly JudgedText[]): Promise<number[]>;
}

/**
 * A judge for evaluation only, never a reward in training: the hidden utility of a world, or a second
 * reward model.
 */
export interface GoldJudge {
  /** One finite number per text, in order. */
  score(texts: readonly JudgedText[]): Promise<number[]>;
  /** Share of a thought's checkable statements that are true; undefined if it has none. */
  thoughtTruth?(prompt: string, thought: string): number | undefined;
}
