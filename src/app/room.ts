/** How much a run will write, before it begins. */
import { MemoryPlan } from '../gpu/memory.ts';
import { allocateOptimizer } from '../model/adamw.ts';
import { LanguageModel } from '../model/language-model.ts';
import { keysOf } from '../rl/recipe/keys.ts';
import { loraConfig, type Recipe } from '../rl/recipe/recipe.ts';
import { allocateValueModel } from '../rl/trainers/value-model.ts';
import type { Planned } from './memory-plan.ts';
import { CHECKPOINTS } from './runs/facts.ts';

/** A trained value has its float32 weight and two moments in a checkpoint; the plan counts moments. */
const CHECKPOINT_PER_MOMENT = 3 / 2;

/** Text of a completion (whole, thought and response) and its numbers, for each token. */
const BYTES_PER_TOKEN = 16;

interface Remaining {
  /** Steps that are done. */
  step?: number;
  /** Number of checkpoints that are there at once: an old one goes when the new one is complete. */
  checkpoints?: number;
}

/** Bytes that the run will have written at most: its checkpoints, and all completions. */
export function runBytes(
  recipe: Recipe,
  { config, storage, lora: given }: Planned,
  { step = 0, checkpoints = (recipe.save_total_limit ?? CHECKPOINTS) + 1 }: Remaining = {},
): number {
  const plan = new MemoryPlan(Infinity);
  const lora = recipe.use_peft ? (given ?? loraConfig(recipe)) : undefined;
  const model = LanguageModel.allocate(plan, config, lora ? { lora, storage } : {});
  allocateOptimizer(model);
  if (recipe.algorithm === 'ppo') allocateOptimizer(allocateValueModel(model));
  const checkpoint = CHECKPOINT_PER_MOMENT * plan.ledger.moments;
  // Some algorithms sample nothing.
  const logs = keysOf(recipe.algorithm).includes('log_completions') && recipe.log_completions;
  const completions = logs ? recipe.per_device_train_batch_size : 0;
  const steps = (recipe.max_steps - step) * recipe.gradient_accumulation_steps;
  const tokens = steps * completions * recipe.max_completion_length;
  return checkpoints * checkpoint + BYTES_PER_TOKEN * tokens;
}
