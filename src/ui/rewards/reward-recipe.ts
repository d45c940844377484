import { storedPath } from '../../app/page-paths.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { evaluation } from '../../rl/recipe/evaluation-keys.ts';
import { JUDGE, REWARD_MODEL } from '../../rl/recipe/reward-names.ts';
import { TRUE_TASTE } from '../charts/gold.ts';
import type { PromptKind } from './prompt-file.ts';
import { heldOutFile } from './stored-prompts.ts';

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

/** A stored file of prompts. */
export interface SelectedPrompts {
  file: string;
  kind: PromptKind;
  /** Whether some of its prompts are held out. */
  heldOut: boolean;
}

/** Tokens of the longest prompt, and of the longest response of preferences. */
export interface Longest {
  prompt: number;
  response: number;
}

/** What a visitor chose to train for. */
export interface RewardSelection {
  model: ModelReward;
  judge: JudgeReward;
  /** The rules in use, each stored as NAME.js. */
  rules: readonly { name: string; weight: number }[];
  prompts: SelectedPrompts | undefined;
  systemPrompt: string;
  /** The recipe key `gold`; null is none, undefined is the recipe's. */
  gold: string | null | undefined;
}

/** The page's second reward model; no run trains against it unless the visitor chooses it. */
export const SECOND_REWARD = 'public/models/second-reward';

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
  if (inUse.length === 0) return 'Choose at least one reward: training needs one.';
  const names = inUse.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  return twice === undefined ? null : `Two rewards are called ${twice}; rename one of them.`;
}

/** Recipe keys for a selection; what was not chosen is left to `set`, the recipe so far. */
export function rewardRecipe(selection: RewardSelection, set: RecipeValues): RecipeValues {
  const { model, judge, rules, prompts } = selection;
  const gold = selection.gold === undefined ? set['gold'] : selection.gold;
  if (byPairs(prompts?.kind, set['algorithm'])) return pairsRecipe(selection, set);
  const strange = prompts !== undefined && gold === TRUE_TASTE;
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
    ...(prompts && promptKeys(prompts, set)),
    ...((selection.gold !== undefined || strange) && { gold: strange ? null : gold! }),
    ...(system !== '' && { system_prompt: system }),
  };
}

/** Whether training learns from the pairs of a file, and not from judged completions. */
export const byPairs = (kind: PromptKind | undefined, algorithm: unknown): boolean =>
  kind === 'preferences' && algorithm === 'dpo';

/** The file says which of two responses is better, so there are no rewards. */
function pairsRecipe({ prompts, systemPrompt }: RewardSelection, set: RecipeValues): RecipeValues {
  const system = systemPrompt.trim();
  return {
    ...promptKeys(prompts!, set),
    ...{ reward_model_name_or_path: null, judge_model_name_or_path: null, judge_prompt: null },
    ...{ reward_funcs: [], reward_weights: null, gold: null, online: false },
    ...(system !== '' && { system_prompt: system }),
  };
}

/** The visitor's prompts replace the world's, also in evaluations if some are held out. */
function promptKeys({ file, heldOut }: SelectedPrompts, set: RecipeValues): RecipeValues {
  const dataset = (name: string, split: string): Record<string, RecipeValue> => ({
    ...{ path: 'json', data_files: storedPath(name), split },
  });
  const evaluations = Object.entries(set).filter(([key]) => Object.hasOwn(evaluation, key));
  return {
    datasets: [dataset(file, 'train'), ...(heldOut ? [dataset(heldOutFile(file), 'test')] : [])],
    world: null,
    ...(heldOut && Object.fromEntries(evaluations)),
  };
}

/** The recipe of a run with this file of prompts, with room for the longest of them. */
export function withRoom(values: RecipeValues, kind: PromptKind, longest: Longest): RecipeValues {
  const { algorithm = 'grpo' } = values;
  const room = {
    max_prompt_length: longest.prompt,
    ...(byPairs(kind, algorithm) && { max_completion_length: longest.response }),
  };
  // Only those keys that the algorithm has.
  return layerRecipes({ ...values, ...room }, { algorithm });
}
