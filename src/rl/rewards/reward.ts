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

export const REWARD_MODEL = 'reward_model';
export const JUDGE = 'judge';

/** A rule goes by the name of its file: "rules/short-answer.js" is short-answer. */
export function ruleName(path: string): string {
  return path.replace(/^.*[/\\:]/, '').replace(/\.[cm]?js$/, '');
}

/** The rewards of a recipe by name, in the order of reward_weights. */
export function rewardNames(recipe: {
  readonly reward_model_name_or_path: string | undefined;
  readonly judge_model_name_or_path: string | undefined;
  readonly reward_funcs: readonly string[];
}): string[] {
  return [
    ...(recipe.reward_model_name_or_path === undefined ? [] : [REWARD_MODEL]),
    ...(recipe.judge_model_name_or_path === undefined ? [] : [JUDGE]),
    ...recipe.reward_funcs.map(ruleName),
  ];
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
