/** Opens the rewards of a recipe and its gold judge. */
import type { Gpu } from '../../gpu/device.ts';
import { loadCheckpoint, type Checkpoint } from '../../model/adapted.ts';
import { readConfig } from '../../model/checkpoint.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { Tokenizer } from '../../model/tokenizer.ts';
import type { Recipe } from '../../rl/recipe/recipe.ts';
import { PromptedJudge } from '../../rl/rewards/prompted-judge.ts';
import { RewardModel, SCORING_LIMITS } from '../../rl/rewards/reward-model.ts';
import type { GoldJudge, Reward } from '../../rl/rewards/reward.ts';
import { Rule } from '../../rl/rewards/rule.ts';
import { WeightedRewards } from '../../rl/rewards/weighted-rewards.ts';
import { worldGold } from '../../rl/world/judging.ts';
import { requireInstructModel, requireRewardModel } from './reward-kind.ts';
import {
  checkpointName,
  openIn,
  type RewardKind,
  type OnLoading,
  type Surroundings,
} from './surroundings.ts';

/** The rewards of the recipe. Rules are opened first, because they report an error quickly. */
export async function openRewards(
  recipe: Recipe,
  around: Pick<Surroundings, 'openReward' | 'onLoading'>,
): Promise<WeightedRewards> {
  const { reward_model_name_or_path: classifier, judge_model_name_or_path: judge } = recipe;
  const rules: Reward[] = [];
  const open = (path: string, kind: RewardKind, question?: string): Promise<Reward> =>
    around.openReward(path, kind, question, around.onLoading);
  for (const path of recipe.reward_funcs) rules.push(await open(path, 'rule'));
  // In the order of reward_weights.
  const rewards = [
    ...(classifier !== undefined ? [await open(classifier, 'classifier')] : []),
    ...(judge !== undefined ? [await open(judge, 'judge', recipe.judge_prompt)] : []),
    ...rules,
  ];
  return new WeightedRewards(rewards, recipe.reward_weights);
}

/** The weighted sum of the recipe's rewards, as one judge. */
export async function openOwnJudge(
  recipe: Recipe,
  around: Pick<Surroundings, 'openReward' | 'onLoading'>,
): Promise<Reward> {
  const rewards = await openRewards(recipe, around);
  return {
    name: 'reward',
    score: async (texts) => (await rewards.score(texts)).map(({ reward }) => reward),
  };
}

/** The gold judge: a world's utility, or a reward model that is not used in training. */
export async function openGold(
  recipe: Pick<Recipe, 'gold'>,
  around: Pick<Surroundings, 'openReward' | 'onLoading'>,
): Promise<GoldJudge | undefined> {
  if (recipe.gold === undefined) return undefined;
  return (
    worldGold(recipe.gold) ??
    around.openReward(recipe.gold, 'classifier', undefined, around.onLoading)
  );
}

/** Loads a frozen reward model. */
export async function openRewardModel(
  gpu: Gpu,
  checkpoint: Checkpoint,
  onLoading?: OnLoading,
): Promise<RewardModel> {
  await requireRewardModel(checkpoint);
  const [model, tokenizer] = await loadJudge(gpu, checkpoint, onLoading);
  return RewardModel.create(model, tokenizer, SCORING_LIMITS);
}

/** Loads a frozen instruct model as a judge. */
export async function openPromptedJudge(
  gpu: Gpu,
  checkpoint: Checkpoint,
  question?: string,
  onLoading?: OnLoading,
): Promise<PromptedJudge> {
  await requireInstructModel(checkpoint);
  const [model, tokenizer] = await loadJudge(gpu, checkpoint, onLoading);
  return PromptedJudge.create(model, tokenizer, SCORING_LIMITS, question);
}

/** Opens a reward in this process: a model on its own new device, or a rule without a device. */
export async function openReward(
  path: string,
  kind: RewardKind,
  question: string | undefined,
  openGpu: () => Promise<Gpu>,
  around: Pick<Surroundings, 'folder' | 'baseFolder' | 'readFile' | 'onLoading'>,
): Promise<Reward> {
  if (kind === 'rule') return Rule.open(path, await around.readFile(path));
  const [gpu, checkpoint] = [await openGpu(), await openIn(around, await around.folder(path))];
  return kind === 'judge'
    ? openPromptedJudge(gpu, checkpoint, question, around.onLoading)
    : openRewardModel(gpu, checkpoint, around.onLoading);
}

async function loadJudge(
  gpu: Gpu,
  checkpoint: Checkpoint,
  onLoading?: OnLoading,
): Promise<[LanguageModel, Tokenizer]> {
  const { vocabSize, eosTokenIds } = await readConfig(checkpoint.base);
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  tokenizer.checkFits(vocabSize, eosTokenIds);
  const onProgress = (share: number): void => onLoading?.(checkpointName(checkpoint), share);
  return [await loadCheckpoint(gpu, checkpoint, { onProgress }), tokenizer];
}
