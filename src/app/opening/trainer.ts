/**
 * From a recipe to a trainer: opens what the recipe names, in whatever surroundings the caller has
 * (a worker's URLs, a command line's directories).
 */
import type { Gpu } from '../../gpu/device.ts';
import {
  checkpointConfig,
  loadCheckpoint,
  openCheckpoint,
  type Checkpoint,
} from '../../model/adapted.ts';
import {
  loadModel,
  loadWeights,
  readConfig,
  type CheckpointFiles,
} from '../../model/checkpoint.ts';
import { asRewardConfig } from '../../model/config.ts';
import { CheckpointError } from '../../model/errors.ts';
import type { CheckpointFolder } from '../../model/files.ts';
import { LanguageModel } from '../../model/language-model.ts';
import { Tokenizer, tokenizerFiles } from '../../model/tokenizer.ts';
import type { Preferences } from '../../rl/data/dataset.ts';
import { DpoTrainer } from '../../rl/trainers/dpo-trainer.ts';
import { GrpoTrainer } from '../../rl/trainers/grpo-trainer.ts';
import { initializeAdapter, initializeWeights } from '../../rl/trainers/initialize.ts';
import { PpoTrainer } from '../../rl/trainers/ppo-trainer.ts';
import { hasRewards, loraConfig, RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import type { GoldJudge, Reward } from '../../rl/rewards/reward.ts';
import { PromptedJudge } from '../../rl/rewards/prompted-judge.ts';
import { RewardModel, SCORING_LIMITS } from '../../rl/rewards/reward-model.ts';
import { RewardTrainer } from '../../rl/trainers/reward-trainer.ts';
import type { RolloutParts } from '../../rl/trainers/rollout-writer.ts';
import { Rule } from '../../rl/rewards/rule.ts';
import { SftTrainer } from '../../rl/trainers/sft-trainer.ts';
import {
  evaluationPrompts,
  heldOutPreferences,
  preferenceSource,
  promptSource,
  sftSource,
} from './data.ts';
import { worldGold } from '../../rl/world/judging.ts';
import type { ReadFile } from './surroundings.ts';
import type { Trainer } from '../../rl/trainers/trainer.ts';
import { WeightedRewards } from '../../rl/rewards/weighted-rewards.ts';

/** classifier: a reward model's score; judge: an instruct model's yes or no; rule: a JavaScript file. */
export type JudgeKind = 'classifier' | 'judge' | 'rule';

/** Hears how much of a model has reached the graphics card, from 0 to 1. */
export type OnLoading = (model: string, share: number) => void;

export interface Surroundings {
  gpu: Gpu;
  folder(path: string): Promise<CheckpointFolder>;
  /** Where an adapter's base is, by the name the adapter gives it; `folder` where absent. */
  baseFolder?(name: string, adapter: CheckpointFolder): Promise<CheckpointFolder>;
  onLoading?: OnLoading;
  readFile: ReadFile;
  /** A frozen model that judges, on a device of its own, with what a judge is asked; or a rule. */
  openReward(
    path: string,
    kind: JudgeKind,
    question?: string,
    onLoading?: OnLoading,
  ): Promise<Reward>;
}

export interface OpenedTrainer {
  trainer: Trainer;
  tokenizerFiles: CheckpointFiles;
}

export async function openTrainer(recipe: Recipe, around: Surroundings): Promise<OpenedTrainer> {
  const path = required(recipe.model_name_or_path, 'model_name_or_path');
  const checkpoint = await openIn(around, await around.folder(path));
  const config = await readConfig(checkpoint.base);
  // Refused before any weight is read.
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  tokenizer.checkFits(config.vocabSize, config.eosTokenIds);
  const [files, model] = await Promise.all([
    tokenizerFiles(checkpoint.tokenizer),
    openModel(recipe, around, checkpoint),
  ]);
  return { trainer: await makeTrainer(recipe, around, model, tokenizer), tokenizerFiles: files };
}

/** A model's folder, or an adapter's together with its base's. */
export function openIn(
  around: Pick<Surroundings, 'folder' | 'baseFolder'>,
  folder: CheckpointFolder,
): Promise<Checkpoint> {
  return openCheckpoint(folder, (name) => around.baseFolder?.(name, folder) ?? around.folder(name));
}

/** The model to train. An adapter goes on being trained on its base, with its own rank and projections. */
async function openModel(
  recipe: Recipe,
  { gpu, onLoading }: Surroundings,
  checkpoint: Checkpoint,
): Promise<LanguageModel> {
  const { base, adapter } = checkpoint;
  const config = await checkpointConfig(checkpoint);
  const rewarding = recipe.algorithm === 'reward';
  const name = nameOf(checkpoint);
  if (!rewarding && config.kind === 'reward') {
    throw new CheckpointError(
      `${name} is a reward model; ${recipe.algorithm} trains a causal language model`,
    );
  }
  if (rewarding && adapter && config.kind === 'causal') {
    throw new CheckpointError(
      `${name} is a policy's adapter and has no score head; export it as a merged model first`,
    );
  }
  const onProgress = (share: number): void => onLoading?.(base.name, share);
  const lora = loraConfig(recipe);
  if (adapter && !lora) {
    throw new CheckpointError(
      `${name} is an adapter; set use_peft: true to go on training it, or export it ` +
        'as a merged model first',
    );
  }
  if (lora) {
    const quantised = recipe.load_in_4bit ? 'int4' : recipe.load_in_8bit ? 'int8' : undefined;
    const options = { quantised, onProgress } as const;
    if (adapter) {
      return loadCheckpoint(gpu, checkpoint, options);
    }
    const model = await loadModel(gpu, base, { ...options, lora });
    initializeAdapter(model.trainable, recipe.seed);
    return model;
  }
  const model = LanguageModel.allocate(gpu, rewarding ? asRewardConfig(config) : config);
  if (recipe.random_init) initializeWeights(model, recipe.seed);
  else await loadWeights(model, base, rewarding && config.kind === 'causal', onProgress);
  return model;
}

async function makeTrainer(
  recipe: Recipe,
  around: Surroundings,
  model: LanguageModel,
  tokenizer: Tokenizer,
): Promise<Trainer> {
  switch (recipe.algorithm) {
    case 'sft':
      return SftTrainer.create(recipe, model, tokenizer, await sftSource(recipe, around.readFile));
    case 'reward': {
      const preferences = await openPreferences(recipe, around);
      return RewardTrainer.create(recipe, model, tokenizer, preferences);
    }
    case 'grpo':
      return GrpoTrainer.create(recipe, model, await openRollouts(recipe, around, tokenizer));
    case 'ppo':
      return PpoTrainer.create(recipe, model, await openRollouts(recipe, around, tokenizer));
    case 'dpo': {
      const parts = hasRewards(recipe)
        ? await openRollouts(recipe, around, tokenizer)
        : { tokenizer, ...(await openPreferences(recipe, around)) };
      return DpoTrainer.create(recipe, model, parts);
    }
  }
}

async function openPreferences(recipe: Recipe, { readFile }: Surroundings): Promise<Preferences> {
  const heldOut = await heldOutPreferences(recipe, readFile);
  return { pairs: await preferenceSource(recipe, readFile), ...(heldOut && { heldOut }) };
}

async function openRollouts(
  recipe: Recipe,
  around: Surroundings,
  tokenizer: Tokenizer,
): Promise<RolloutParts> {
  const gold = await openGold(recipe, around);
  return {
    tokenizer,
    prompts: await promptSource(recipe, around.readFile),
    rewards: await openRewards(recipe, around),
    ...(gold && { gold }),
    evaluationPrompts: await evaluationPrompts(recipe, around.readFile),
  };
}

/** What the recipe trains against. Rules come up first: they are quick to say what is wrong. */
export async function openRewards(
  recipe: Recipe,
  around: Pick<Surroundings, 'openReward' | 'onLoading'>,
): Promise<WeightedRewards> {
  const { reward_model_name_or_path: classifier, judge_model_name_or_path: judge } = recipe;
  const rules: Reward[] = [];
  const open = (path: string, kind: JudgeKind, question?: string): Promise<Reward> =>
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

/** A world's utility, or a reward model that judges and is not trained against. */
export async function openGold(
  recipe: Recipe,
  around: Surroundings,
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
  const { kind } = await checkpointConfig(checkpoint);
  if (kind !== 'reward') {
    throw new CheckpointError(
      `${nameOf(checkpoint)} is not a reward model (its architecture is no *ForSequenceClassification); ` +
        'choose a sequence classifier with one label',
    );
  }
  const [model, tokenizer] = await loadJudge(gpu, checkpoint, onLoading);
  return RewardModel.create(model, tokenizer, SCORING_LIMITS);
}

/** Loads a frozen instruct model to judge by. */
export async function openPromptedJudge(
  gpu: Gpu,
  checkpoint: Checkpoint,
  question?: string,
  onLoading?: OnLoading,
): Promise<PromptedJudge> {
  if ((await checkpointConfig(checkpoint)).kind === 'reward') {
    throw new CheckpointError(
      `${nameOf(checkpoint)} is a reward model; name it as reward_model_name_or_path`,
    );
  }
  const [model, tokenizer] = await loadJudge(gpu, checkpoint, onLoading);
  return PromptedJudge.create(model, tokenizer, SCORING_LIMITS, question);
}

/** Opens a reward in this process: a model on a device that is opened for it, a rule without one. */
export async function openReward(
  path: string,
  kind: JudgeKind,
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

const nameOf = ({ base, adapter }: Checkpoint): string => (adapter?.folder ?? base).name;

async function loadJudge(
  gpu: Gpu,
  checkpoint: Checkpoint,
  onLoading?: OnLoading,
): Promise<[LanguageModel, Tokenizer]> {
  const { vocabSize, eosTokenIds } = await readConfig(checkpoint.base);
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  tokenizer.checkFits(vocabSize, eosTokenIds);
  const onProgress = (share: number): void => onLoading?.(nameOf(checkpoint), share);
  return [await loadCheckpoint(gpu, checkpoint, { onProgress }), tokenizer];
}

function required(value: string | undefined, key: string): string {
  if (value === undefined) throw new RecipeError(`the recipe has no ${key}; add it.`);
  return value;
}
