/**
 * Will it fit: how much memory of the graphics card a run takes, policy and judges together, and what
 * to change if that is too much. Everything is planned, nothing is allocated.
 */
import type { MemoryPlan } from '../gpu/memory.ts';
import { CheckpointError } from '../model/errors.ts';
import { formatBytes } from './format.ts';
import { planGeneration, planJudge, planTraining, type Planned } from './memory-plan.ts';
import type { RecipeObject } from '../rl/recipe/values.ts';
import { keysOf } from '../rl/recipe/keys.ts';
import { makeRecipe, type Recipe } from '../rl/recipe/recipe.ts';

interface RunModels {
  policy: Planned;
  /** Reward models and prompted judges; each has its own device on the same card. */
  judges: readonly Planned[];
}

interface Card {
  /** Memory in bytes, which a program cannot find out; undefined if the user has not given it. */
  memory?: number | undefined;
  /** The largest buffer that a kernel can see, in bytes. */
  maxBinding: number;
}

/** To write completions, to train an adapter, to train all weights. */
export const USES = ['run', 'lora', 'full'] as const;
export type MemoryUse = (typeof USES)[number];

/** Bytes by purpose. */
export interface MemoryParts {
  weights: number;
  /** Gradients and the optimizer's moments. */
  training: number;
  /** Activations of one batch, and the KV cache of the completions that are being sampled. */
  work: number;
  judges: number;
}

export interface MemoryNeed {
  bytes: number;
  parts: MemoryParts;
  /** Why it does not fit, in a sentence; absent if it fits, or nothing is known of the card. */
  problem?: string;
  /** Recipe keys with which it fits; absent if it fits already, or no change makes it fit. */
  changes?: RecipeObject;
}

/** The screen and other programs need some of the card's memory too. */
export const USABLE = 0.9;

type Values = Readonly<Record<string, unknown>>;

/** @throws RecipeError if the recipe of `values` cannot be trained */
export function memoryNeeds(
  values: Values,
  models: RunModels,
  card: Card,
): Record<MemoryUse, MemoryNeed> {
  const judges = models.judges.map((judge) => attempt(card, (limit) => planJudge(judge, limit)));
  const planned = asPolicy(models.policy);
  const needOf = (use: MemoryUse): MemoryNeed => {
    const measure = (changes: RecipeObject): Measured => {
      const recipe = recipeFor(changes.use_peft ? 'lora' : use, { ...values, ...changes });
      const plan = use === 'run' ? planGeneration : planTraining;
      const policy = attempt(card, (limit) => plan(recipe, planned, limit));
      return { recipe, ...sum(policy, use === 'run' ? [] : judges, card) };
    };
    const first = measure({});
    const { bytes, parts, problem } = first;
    if (problem === undefined) return { bytes, parts };
    const changes = changesToFit(first, measure, use);
    return { bytes, parts, problem, ...(changes && { changes }) };
  };
  return { run: needOf('run'), lora: needOf('lora'), full: needOf('full') };
}

/** A reward model has no language-model head; as a policy, it would have its embedding for one. */
const asPolicy = (model: Planned): Planned =>
  model.config.kind === 'reward'
    ? { ...model, config: { ...model.config, tieWordEmbeddings: true } }
    : model;

interface Measured extends MemoryNeed {
  recipe: Recipe;
}

function recipeFor(use: MemoryUse, values: Values): Recipe {
  // Random weights take as much memory, but a recipe that begins with them has no adapter.
  if (use === 'lora') return makeRecipe({ ...values, use_peft: true, random_init: false });
  // Only a frozen base can be quantised.
  return makeRecipe({ ...values, use_peft: false, load_in_8bit: false, load_in_4bit: false });
}

interface Attempt {
  plan: MemoryPlan;
  /** Why this card cannot hold it. */
  problem?: string;
}

function attempt({ maxBinding }: Card, plan: (maxBinding: number) => MemoryPlan): Attempt {
  try {
    const planned = plan(maxBinding);
    if (planned.largest <= maxBinding) return { plan: planned };
    const most = formatBytes(maxBinding);
    const problem = `it needs ${formatBytes(planned.largest)} in one piece, and this card takes ${most}`;
    return { plan: planned, problem };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { plan: plan(Infinity), problem: error.message };
  }
}

function sum(policy: Attempt, judges: readonly Attempt[], card: Card): MemoryNeed {
  const { weights, gradients, moments, activations, kv, io } = policy.plan.ledger;
  const parts = {
    weights,
    training: gradients + moments,
    work: activations + kv + io,
    judges: judges.reduce((total, { plan }) => total + plan.total, 0),
  };
  const bytes = parts.weights + parts.training + parts.work + parts.judges;
  const usable = USABLE * (card.memory ?? Infinity);
  const problem =
    [policy, ...judges].find((one) => one.problem)?.problem ??
    (bytes > usable
      ? `it takes ${formatBytes(bytes)}, and about ${formatBytes(usable)} of the card can be used`
      : undefined);
  return { bytes, parts, ...(problem !== undefined && { problem }) };
}

/** Adds changes that help, one after the other, until it fits. */
function changesToFit(
  first: Measured,
  measure: (changes: RecipeObject) => Measured,
  use: MemoryUse,
): RecipeObject | undefined {
  let now = first;
  let changes: RecipeObject = {};
  const useless = new Set<string>();
  while (now.problem !== undefined) {
    const change = candidates(now, use).find((one) => !useless.has(JSON.stringify(one)));
    if (!change) return undefined;
    const next = measure({ ...changes, ...change });
    if (next.bytes > HELPS * now.bytes && next.problem !== undefined) {
      useless.add(JSON.stringify(change));
      continue;
    }
    changes = { ...changes, ...change };
    now = next;
  }
  return changes;
}

/** A change helps if it saves at least 3% of the bytes. */
const HELPS = 0.97;

/** Possible changes: first those for the larger part of the memory, last those that make the run worse. */
function candidates({ recipe, parts }: Measured, use: MemoryUse): RecipeObject[] {
  const { weights, training, work } = parts;
  const held = use === 'run' ? [] : lessToHold(recipe);
  const atOnce = lessAtOnce(recipe, use);
  const free = weights + training > work ? [...held, ...atOnce] : [...atOnce, ...held];
  const possible: readonly string[] = keysOf(recipe.algorithm);
  return [...free, ...lessToWrite(recipe)].filter((change) =>
    Object.keys(change).every((key) => possible.includes(key)),
  );
}

function lessToHold({
  use_peft: adapter,
  load_in_8bit: in8,
  load_in_4bit: in4,
  random_init: isNew,
}: Recipe): RecipeObject[] {
  if (!adapter) return isNew ? [] : [{ use_peft: true }];
  if (in4) return [];
  return [...(in8 ? [] : [{ load_in_8bit: true }]), { load_in_8bit: false, load_in_4bit: true }];
}

function lessAtOnce(recipe: Recipe, use: MemoryUse): RecipeObject[] {
  const { per_device_train_batch_size: batch, num_generations: group } = recipe;
  const changes: RecipeObject[] = [];
  if (use !== 'run' && !recipe.gradient_checkpointing)
    changes.push({ gradient_checkpointing: true });
  if (batch % (2 * group) === 0) {
    // The same step in smaller batches.
    const parts = 2 * recipe.gradient_accumulation_steps;
    changes.push({ per_device_train_batch_size: batch / 2, gradient_accumulation_steps: parts });
  }
  return changes;
}

/** Shorter completions have no room for a thought, and smaller groups have too little to compare. */
const SHORTEST_COMPLETION = 64;
const SMALLEST_GROUP = 4;

function lessToWrite(recipe: Recipe): RecipeObject[] {
  const { per_device_train_batch_size: batch, num_generations: group } = recipe;
  const { max_completion_length: length } = recipe;
  const changes: RecipeObject[] = [];
  if (length >= 2 * SHORTEST_COMPLETION) {
    changes.push({ max_completion_length: Math.floor(length / 2) });
  }
  if (batch === group && group >= 2 * SMALLEST_GROUP) {
    const half = Math.floor(group / 2);
    changes.push({ num_generations: half, per_device_train_batch_size: half });
  }
  return changes;
}
