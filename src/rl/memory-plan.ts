/**
 * What a run will take of the graphics card, before anything is allocated: the code that allocates
 * for a run is asked, with a memory that only counts. Compiled programs add a few kilobytes.
 */
import { MemoryPlan } from '../gpu/memory.ts';
import { allocateOptimizer } from '../model/adamw.ts';
import { planBatch } from '../model/batch-runner.ts';
import type { ModelConfig } from '../model/config.ts';
import { planDecoder } from '../model/decoder.ts';
import { LanguageModel } from '../model/language-model.ts';
import type { WeightStorage } from '../model/parameters.ts';
import type { LoraConfig } from '../model/peft.ts';
import { rolloutLimits, updateLimits } from './grpo-trainer.ts';
import { loraConfig, type Recipe } from './recipe.ts';
import { SCORING_LIMITS } from './reward-model.ts';

/** A model and how its weights are kept when they do not train. */
export interface Planned {
  config: ModelConfig;
  storage: WeightStorage;
  /** An adapter that goes on being trained, in place of the one that the recipe describes. */
  lora?: LoraConfig | undefined;
}

/** The weights under an adapter as the recipe wants them on the card. */
export function frozenStorage(recipe: Recipe, { storage }: Planned): WeightStorage {
  const quantised = recipe.load_in_4bit ? 'int4' : recipe.load_in_8bit ? 'int8' : undefined;
  return { ...storage, layers: quantised ?? storage.layers };
}

/** Writing one batch of completions, as GRPO does between its updates. */
export function planGeneration(
  recipe: Recipe,
  { config, storage }: Planned,
  maxBinding: number,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  planDecoder(LanguageModel.allocate(plan, config, { storage }), rolloutLimits(recipe));
  return plan;
}

/** Training by GRPO, all weights or an adapter as the recipe says. */
export function planTraining(recipe: Recipe, planned: Planned, maxBinding: number): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  const { config } = planned;
  const lora = recipe.use_peft ? (planned.lora ?? loraConfig(recipe)) : undefined;
  const storage = frozenStorage(recipe, planned);
  const model = LanguageModel.allocate(plan, config, lora ? { lora, storage } : {});
  const { gradients } = allocateOptimizer(model);
  planDecoder(model, rolloutLimits(recipe));
  planBatch(model, updateLimits(recipe), gradients);
  // The reference policy; under an adapter it is the base itself.
  if (recipe.beta > 0 && !lora) LanguageModel.allocate(plan, config);
  return plan;
}

/** A frozen reward model or judge, on a device of its own on the same card. */
export function planJudge({ config, storage }: Planned, maxBinding: number): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  planBatch(LanguageModel.allocate(plan, config, { storage }), SCORING_LIMITS);
  return plan;
}
