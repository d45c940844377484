/**
 * From a recipe to a trainer: opens the models and data that the recipe names, in the caller's
 * surroundings (a worker's URLs, a command line's folders).
 */
import { checkpointConfig, loadCheckpoint, type Checkpoint } from '../../model/adapted.ts';
import { loadModel, readConfig, type CheckpointFiles } from '../../model/checkpoint.ts';
import { asRewardConfig } from '../../model/config.ts';
import { CheckpointError } from '../../model/errors.ts';
import { LanguageModel } from '../../model/language-model.ts';
import { Tokenizer, tokenizerFiles } from '../../model/tokenizer.ts';
import type { PreferenceGroup, Preferences } from '../../rl/data/dataset.ts';
import { DpoTrainer } from '../../rl/trainers/dpo-trainer.ts';
import { GrpoTrainer } from '../../rl/trainers/grpo-trainer.ts';
import { initializeAdapter, initializeWeights } from '../../rl/trainers/initialize.ts';
import { PpoTrainer } from '../../rl/trainers/ppo-trainer.ts';
import { hasRewards, loraConfig, RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import { RewardTrainer } from '../../rl/trainers/reward-trainer.ts';
import type { RolloutParts } from '../../rl/trainers/rollout-writer.ts';
import { SftTrainer } from '../../rl/trainers/sft-trainer.ts';
import {
  evaluationPrompts,
  heldOutPreferences,
  preferenceSource,
  promptSource,
  sftSource,
  type CheckRow,
} from './data.ts';
import { inputsOf } from './inputs.ts';
import { rowChecks, type RowChecks } from './row-lengths.ts';
import { checkpointName, openIn, type Surroundings } from './surroundings.ts';
import type { Trainer } from '../../rl/trainers/trainer.ts';
import { openGold, openRewards } from './rewards.ts';

interface OpenedTrainer {
  trainer: Trainer;
  tokenizerFiles: CheckpointFiles;
  /** A hash of what lies under the paths of each recipe key. */
  inputs: Record<string, string>;
}

export async function openTrainer(recipe: Recipe, around: Surroundings): Promise<OpenedTrainer> {
  const path = required(recipe.model_name_or_path, 'model_name_or_path');
  const checkpoint = await openIn(around, await around.folder(path));
  const config = await readConfig(checkpoint.base);
  // Checked before any weight is read.
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  tokenizer.checkFits(config.vocabSize, config.eosTokenIds);
  const [files, inputs, model] = await Promise.all([
    tokenizerFiles(checkpoint.tokenizer),
    inputsOf(recipe, around),
    openModel(recipe, around, checkpoint),
  ]);
  const trainer = await makeTrainer(recipe, around, model, tokenizer);
  return { trainer, tokenizerFiles: files, inputs };
}

/** The model to train. An adapter is trained further on its base, with its own rank and projections. */
async function openModel(
  recipe: Recipe,
  { gpu, onLoading }: Surroundings,
  checkpoint: Checkpoint,
): Promise<LanguageModel> {
  const { base, adapter } = checkpoint;
  const config = await checkpointConfig(checkpoint);
  const rewarding = recipe.algorithm === 'reward';
  const name = checkpointName(checkpoint);
  if (!rewarding && config.kind === 'reward') {
    throw new CheckpointError(
      `${name} is a reward model; set model_name_or_path to a causal language model`,
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
      `${name} is an adapter; set use_peft: true to train it further, or export it ` +
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
  const as = rewarding ? 'reward' : undefined;
  if (!recipe.random_init) return loadModel(gpu, base, { as, trainable: true, onProgress });
  const model = LanguageModel.allocate(gpu, rewarding ? asRewardConfig(config) : config);
  initializeWeights(model, recipe.seed);
  return model;
}

async function makeTrainer(
  recipe: Recipe,
  around: Surroundings,
  model: LanguageModel,
  tokenizer: Tokenizer,
): Promise<Trainer> {
  const checks = rowChecks(recipe, tokenizer, model.config);
  switch (recipe.algorithm) {
    case 'sft': {
      const examples = await sftSource(recipe, around.readFile, checks.demonstration);
      return SftTrainer.create(recipe, model, tokenizer, examples);
    }
    case 'reward': {
      const preferences = await openPreferences(recipe, around, checks.judgedPair);
      return RewardTrainer.create(recipe, model, tokenizer, preferences);
    }
    case 'grpo':
      return GrpoTrainer.create(
        recipe,
        model,
        await openRollouts(recipe, around, tokenizer, checks),
      );
    case 'ppo':
      return PpoTrainer.create(
        recipe,
        model,
        await openRollouts(recipe, around, tokenizer, checks),
      );
    case 'dpo': {
      const parts = hasRewards(recipe)
        ? await openRollouts(recipe, around, tokenizer, checks)
        : { tokenizer, ...(await openPreferences(recipe, around, checks.writtenPair)) };
      return DpoTrainer.create(recipe, model, parts);
    }
  }
}

async function openPreferences(
  recipe: Recipe,
  { readFile }: Surroundings,
  check: CheckRow<PreferenceGroup>,
): Promise<Preferences> {
  const heldOut = await heldOutPreferences(recipe, readFile, check);
  return { pairs: await preferenceSource(recipe, readFile, check), ...(heldOut && { heldOut }) };
}

async function openRollouts(
  recipe: Recipe,
  around: Surroundings,
  tokenizer: Tokenizer,
  { prompt: check }: RowChecks,
): Promise<RolloutParts> {
  // The data first, because reading it is quick.
  const prompts = await promptSource(recipe, around.readFile, check);
  const heldOut = await evaluationPrompts(recipe, around.readFile, check);
  const gold = await openGold(recipe, around);
  return {
    tokenizer,
    prompts,
    rewardFunctions: await openRewards(recipe, around),
    ...(gold && { gold }),
    evaluationPrompts: heldOut,
  };
}

function required(value: string | undefined, key: string): string {
  if (value === undefined) throw new RecipeError(`the recipe has no ${key}; add it.`);
  return value;
}
