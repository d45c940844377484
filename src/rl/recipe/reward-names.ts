/** The names of a recipe's rewards in metrics and messages. */

export const REWARD_MODEL = 'reward_model';
export const JUDGE = 'judge';
/** The name that TRL gives get_soft_overlong_punishment. */
export const SOFT_OVERLONG = 'soft_overlong_punishment_reward';

/** Columns of a run's completions, in which each reward has a column too. */
const COLUMNS: ReadonlySet<string> = new Set([
  ...['step', 'prompt', 'completion', 'thought', 'response', 'wellFormed', 'truncated', 'tokens'],
  ...['reward', 'rewards', 'advantage', 'gold', 'trace', 'mean', 'std', 'samples', 'pair'],
  ...[REWARD_MODEL, JUDGE, SOFT_OVERLONG, '__proto__', ''],
]);

/** Whether a rule cannot have this name, because another column has it. */
export const isTaken = (name: string): boolean => COLUMNS.has(name);

/** A rule has the name of its file: the name of "rules/short-answer.js" is short-answer. */
export function ruleName(path: string): string {
  return path.replace(/^.*[/\\:]/, '').replace(/\.[cm]?js$/, '');
}

interface RewardKeys {
  readonly reward_model_name_or_path: string | undefined;
  readonly judge_model_name_or_path: string | undefined;
  readonly reward_funcs: readonly string[];
}

/** Whether anything judges completions. */
export const hasRewards = (recipe: RewardKeys): boolean => rewardNames(recipe).length > 0;

/** The rewards of a recipe by name, in the order of reward_weights. */
export function rewardNames(recipe: RewardKeys): string[] {
  return [
    ...(recipe.reward_model_name_or_path === undefined ? [] : [REWARD_MODEL]),
    ...(recipe.judge_model_name_or_path === undefined ? [] : [JUDGE]),
    ...recipe.reward_funcs.map(ruleName),
  ];
}
