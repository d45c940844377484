/**
 * What a run will take of the graphics card, before anything is allocated: the code that allocates
 * for a run is asked, with a memory that only counts. Compiled programs add a few kilobytes.
 */
import { MemoryPlan } from '../gpu/memory.ts';
import { allocateOptimizer } from '../model/adamw.ts';
import { planBatch } from '../model/batch-runner.ts';
import { asRewardConfig } from '../model/checkpoint.ts';
import type { ModelConfig } from '../model/config.ts';
import { planDecoder } from '../model/decoder.ts';
import { LanguageModel } from '../model/language-model.ts';
import type { WeightStorage } from '../model/parameters.ts';
import { pairLimits } from './dpo-trainer.ts';
import { hasRewards, loraConfig, type Recipe } from './recipe.ts';
import { rolloutLimits, updateLimits } from './rollout-writer.ts';

/** A model and how its weights are kept when they do not train. */
interface Planned {
  config: ModelConfig;
  storage: WeightStorage;
}

/** Writing one batch of completions, as training does between its updates. */
export function planGeneration(
  recipe: Recipe,
  { config, storage }: Planned,
  maxBinding: number,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  planDecoder(LanguageModel.allocate(plan, config, { storage }), rolloutLimits(recipe));
  return plan;
}

/** Training a policy, all weights or an adapter as the recipe says. */
export function planTraining(
  recipe: Recipe,
  { config, storage }: Planned,
  maxBinding: number,
): MemoryPlan {
  const plan = new MemoryPlan(maxBinding);
  const lora = loraConfig(recipe);
  const model = LanguageModel.allocate(plan, config, lora ? { lora, storage } : {});
  const { gradients } = allocateOptimizer(model);
  const sampled = recipe.algorithm !== 'dpo' || hasRewards(recipe);
  // DPO's completions are the initial policy's, unless it is online; evaluations need the policy's own.
  const offline = recipe.algorithm === 'dpo' && !recipe.online;
  if (sampled) planDecoder(offline ? model.withoutAdapter() : model, rolloutLimits(recipe));
  if (sampled && offline && recipe.eval_strategy !== 'no')
    planDecoder(model, rolloutLimits(recipe));
  const limits = recipe.algorithm === 'dpo' ? pairLimits(recipe, sampled) : updateLimits(recipe);
  planBatch(model, limits, gradients);
  // The reference policy; under an adapter it is the base itself.
  if (hasReference(recipe) && !lora) LanguageModel.allocate(plan, config);
  if (recipe.algorithm === 'ppo') {
    const value = LanguageModel.allocate(plan, asRewardConfig(config));
    planBatch(value, limits, allocateOptimizer(value).gradients);
  }
  return plan;
}

function hasReference({ algorithm, beta, kl_coef }: Recipe): boolean {
  return algorithm === 'ppo' ? kl_coef > 0 : beta > 0;
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
