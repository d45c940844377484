/** What fits a card, found by planning: no device is needed. */
import { memoryNeeds, USABLE } from '../../../src/app/fit.ts';
import { planTraining, type Planned } from '../../../src/app/memory-plan.ts';
import type { MemoryPlan } from '../../../src/gpu/memory.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { CheckpointError } from '../../../src/model/errors.ts';
import { makeRecipe } from '../../../src/rl/recipe/recipe.ts';

/** What Chrome gives on most cards, and the least that WebGPU guarantees. */
export const USUAL_BINDING = 2 ** 31 - 4;
export const LEAST_BINDING = 2 ** 27;

export type Bits = 'f16' | 'int8' | 'int4';

export interface Setting {
  config: ModelConfig;
  bits: Bits;
  /** Completions in a step, of one prompt. */
  group: number;
  /** Of the card, in bytes. */
  memory: number;
  maxBinding: number;
}

const PROMPT = 256;

/** The recipe of GRPO with an adapter of rank 16 on all projections, and a rule as the reward. */
function recipeValues({ bits, group }: Setting, length: number): Record<string, unknown> {
  return {
    algorithm: 'grpo',
    model_name_or_path: 'policy',
    reward_funcs: ['rule.js'],
    world: 'meal-planner',
    use_peft: true,
    lora_r: 16,
    load_in_8bit: bits === 'int8',
    load_in_4bit: bits === 'int4',
    gradient_checkpointing: true,
    per_device_train_batch_size: group,
    num_generations: group,
    max_prompt_length: PROMPT,
    max_completion_length: length - PROMPT,
  };
}

const planned = ({ config }: Setting): Planned => ({
  config,
  storage: { layers: 'f16', tables: 'f16' },
});

/** @throws CheckpointError when a matrix is larger than a binding can be */
export function plan(setting: Setting, length: number): MemoryPlan {
  const recipe = makeRecipe(recipeValues(setting, length));
  return planTraining(recipe, planned(setting), setting.maxBinding);
}

/** The share of what the card has that is taken, of its memory or of its largest binding; above 1 it does not fit. */
function share(setting: Setting, length: number): number {
  try {
    const { total, largest } = plan(setting, length);
    return Math.max(total / (USABLE * setting.memory), largest / setting.maxBinding);
  } catch (error) {
    if (error instanceof CheckpointError) return Infinity;
    throw error;
  }
}

/** Shorter completions have no room for a thought. */
const SHORTEST = PROMPT + 64;
const STEP = 64;

/**
 * The most tokens of a prompt and a completion together, a multiple of STEP; undefined if not even
 * SHORTEST fits. A prompt has 256 of them.
 */
export function longest(setting: Setting): number | undefined {
  const at = (length: number) => ({ length, share: share(setting, length) });
  let low = at(SHORTEST);
  if (low.share > 1) return undefined;
  let high = at(4 * SHORTEST);
  while (high.share <= 1) [low, high] = [high, at(2 * high.length)];
  while (high.length - low.length > STEP) {
    // Memory grows nearly in proportion to the length. A guess above the line closes in from both sides.
    const slope = (high.share - low.share) / (high.length - low.length);
    const steps = Math.floor((1 - low.share) / slope / STEP) || 1;
    const most = (high.length - low.length) / STEP - 1;
    const guess = at(low.length + STEP * Math.min(steps, most));
    if (guess.share <= 1) low = guess;
    else high = guess;
  }
  return low.length;
}

/** The sentence of the page that says why training with an adapter does not fit; undefined if it fits. */
export function pageSays(setting: Setting, length: number): string | undefined {
  const { memory, maxBinding } = setting;
  const models = { policy: planned(setting), judges: [] };
  return memoryNeeds(recipeValues(setting, length), models, { memory, maxBinding }).lora.problem;
}
