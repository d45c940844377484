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
import { rolloutLimits, updateLimits } from './grpo-trainer.ts';
import { loraConfig, type Recipe } from './recipe.ts';

/** A model and how its weights are kept when they do not train. */
interface Planned {
  config: ModelConfig;
  storage: WeightStorage;
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
export function planTraining(
  recipe: Recipe,
  { config, storage }: Planned,
  maxBinding: number,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  const lora = loraConfig(recipe);
  const model = LanguageModel.allocate(plan, config, lora ? { lora, storage } : {});
  const { gradients } = allocateOptimizer(model);
  planDecoder(model, rolloutLimits(recipe));
  planBatch(model, updateLimits(recipe), gradients);
  // The reference policy; under an adapter it is the base itself.
  if (recipe.beta > 0 && !lora) LanguageModel.allocate(plan, config);
  return plan;
}

/** What to change first when a plan is too large, by what takes most of it. */
export function memoryAdvice({ ledger }: MemoryPlan, recipe: Recipe): string {
  const { weights, gradients, moments, activations, kv } = ledger;
  if (!recipe.use_peft && weights + gradients + moments > activations + kv) {
    return 'set use_peft: true';
  }
  if (weights >= Math.max(activations, kv)) {
    return recipe.load_in_4bit ? 'choose a smaller model' : 'set load_in_4bit: true';
  }
  if (activations >= kv && !recipe.gradient_checkpointing) {
    return 'set gradient_checkpointing: true';
  }
  return 'lower per_device_train_batch_size or max_completion_length';
}
