import { storedPath } from '../../rl/page-paths.ts';
import type { RecipeValues } from '../../rl/protocol.ts';
import { JUDGE, REWARD_MODEL } from '../../rl/reward.ts';

export interface ModelReward {
  /** A stored model's name; null is the reward model that comes with the page, false is none. */
  name: string | null | false;
  weight: number;
}

export interface JudgeReward {
  /** A stored instruct model's name; null is none. */
  name: string | null;
  weight: number;
  /** Empty is the built-in one. */
  question: string;
}

/** What a visitor chose to train for. */
export interface RewardSelection {
  model: ModelReward;
  judge: JudgeReward;
  /** Those in use: stored as NAME.js. */
  rules: readonly { name: string; weight: number }[];
  /** Stored files, and the tokens of the longest prompt where they were counted. */
  prompts: { file: string; heldOut: string | undefined; longest: number | undefined } | undefined;
  systemPrompt: string;
  /** A reward model that is watched and not trained on; null is what the recipe has, nobody with own prompts. */
  gold: string | null;
}

/** Names and weights of the rewards in use, in the order of reward_weights. */
export function rewardsInUse({
  model,
  judge,
  rules,
}: Pick<RewardSelection, 'model' | 'judge' | 'rules'>): { name: string; weight: number }[] {
  return [
    ...(model.name === false ? [] : [{ name: REWARD_MODEL, weight: model.weight }]),
    ...(judge.name === null ? [] : [{ name: JUDGE, weight: judge.weight }]),
    ...rules.map(({ name, weight }) => ({ name, weight })),
  ];
}

/** Why these rewards cannot be trained for; null when they can. */
export function rewardProblem(inUse: readonly { name: string }[]): string | null {
  if (inUse.length === 0) return 'Choose at least one reward: without any, nothing is good.';
  const names = inUse.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  return twice === undefined ? null : `Two rewards are called ${twice}; rename one of them.`;
}

/** Recipe keys for a selection; what comes with the page is left to the page's recipe. */
export function rewardRecipe(selection: RewardSelection): RecipeValues {
  const { model, judge, rules, prompts, gold } = selection;
  const weights = rewardsInUse(selection).map(({ weight }) => weight);
  const system = selection.systemPrompt.trim();
  const question = judge.question.trim();
  return {
    ...(model.name !== null && {
      reward_model_name_or_path: model.name === false ? null : storedPath(model.name),
    }),
    ...(judge.name !== null && { judge_model_name_or_path: storedPath(judge.name) }),
    ...(judge.name !== null && question !== '' && { judge_prompt: question }),
    ...(rules.length > 0 && { reward_funcs: rules.map(({ name }) => storedPath(`${name}.js`)) }),
    ...(weights.some((weight) => weight !== 1) && { reward_weights: weights }),
    ...(prompts && {
      datasets: [
        { path: 'json', data_files: storedPath(prompts.file), split: 'train' },
        ...(prompts.heldOut === undefined
          ? []
          : [{ path: 'json', data_files: storedPath(prompts.heldOut), split: 'test' }]),
      ],
      world: null,
      gold: null,
      ...(prompts.longest !== undefined && { max_prompt_length: prompts.longest }),
    }),
    ...(gold !== null && { gold }),
    ...(system !== '' && { system_prompt: system }),
  };
}
