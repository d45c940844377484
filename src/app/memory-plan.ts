/**
 * How much memory of the graphics card a run will take, before anything is allocated: the code that
 * allocates for a run is called with a memory that only counts, for a graphics card's kernels unless
 * `variants` are given. Compiled programs add a few kilobytes.
 */
import { MemoryPlan } from '../gpu/memory.ts';
import type { KernelVariants } from '../gpu/variants.ts';
import { allocateOptimizer } from '../model/adamw.ts';
import { planBatch } from '../model/batch-runner.ts';
import type { ModelConfig } from '../model/config.ts';
import { planDecoder } from '../model/decoder-plan.ts';
import { LanguageModel } from '../model/language-model.ts';
import type { WeightStorage } from '../model/parameters.ts';
import type { LoraConfig } from '../model/peft.ts';
import { pairLimits } from '../rl/trainers/dpo-trainer.ts';
import { hasRewards, loraConfig, type Recipe } from '../rl/recipe/recipe.ts';
import { allocateReference } from '../rl/trainers/reference.ts';
import { SCORING_LIMITS } from '../rl/rewards/reward-model.ts';
import { rolloutLimits, updateLimits } from '../rl/trainers/rollout-writer.ts';
import { allocateValueModel } from '../rl/trainers/value-model.ts';

/** A model, and how its weights are stored when they are not trained. */
export interface Planned {
  config: ModelConfig;
  storage: WeightStorage;
  /** The adapter that it comes with, if any; training continues with it in place of the recipe's new adapter. */
  lora?: LoraConfig | undefined;
}

/** How the recipe stores the weights under an adapter on the card. */
function frozenStorage(recipe: Recipe, { storage }: Planned): WeightStorage {
  const quantised = recipe.load_in_4bit ? 'int4' : recipe.load_in_8bit ? 'int8' : undefined;
  return { ...storage, layers: quantised ?? storage.layers };
}

/** The memory to sample one batch of completions, as training does between its updates. */
export function planGeneration(
  recipe: Recipe,
  { config, storage }: Planned,
  maxBinding: number,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  planDecoder(LanguageModel.allocate(plan, config, { storage }), rolloutLimits(recipe));
  return plan;
}

/** The memory to train a policy: all weights, or an adapter if the recipe has use_peft. */
export function planTraining(
  recipe: Recipe,
  planned: Planned,
  maxBinding: number,
  variants?: KernelVariants,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding, variants);
  const { config } = planned;
  const lora = recipe.use_peft ? (planned.lora ?? loraConfig(recipe)) : undefined;
  const storage = frozenStorage(recipe, planned);
  const model = LanguageModel.allocate(plan, config, lora ? { lora, storage } : {});
  const { gradients } = allocateOptimizer(model);
  const sampled = recipe.algorithm !== 'dpo' || hasRewards(recipe);
  const reference = hasReference(recipe) ? allocateReference(model, !!planned.lora) : undefined;
  // Unless DPO is online, the initial policy writes its completions; evaluations need the current policy.
  const offline = recipe.algorithm === 'dpo' && !recipe.online;
  if (sampled) planDecoder((offline && reference) || model, rolloutLimits(recipe));
  if (sampled && offline && recipe.eval_strategy !== 'no')
    planDecoder(model, rolloutLimits(recipe));
  const limits = recipe.algorithm === 'dpo' ? pairLimits(recipe, sampled) : updateLimits(recipe);
  planBatch(model, limits, gradients);
  if (recipe.algorithm === 'ppo') {
    const value = allocateValueModel(model);
    planBatch(value, limits, allocateOptimizer(value).gradients);
  }
  return plan;
}

function hasReference({ algorithm, beta, kl_coef }: Recipe): boolean {
  return algorithm === 'ppo' ? kl_coef > 0 : beta > 0;
}

/** The memory of a frozen reward model or judge, which has its own device on the same card. */
export function planJudge(
  { config, storage, lora }: Planned,
  maxBinding: number,
  variants?: KernelVariants,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding, variants);
  planBatch(LanguageModel.allocate(plan, config, { storage, lora }), SCORING_LIMITS);
  return plan;
}
