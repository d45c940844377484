/**
 * A reward model of one person's taste, from a few dozen comparisons. It starts from the reward model
 * that ships with the page, which knows the world already; a high learning rate lets the new labels win.
 */
import { jsonLines } from '../rl/data/json-lines.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';

/** A preference pair, as TRL's datasets have it. */
export interface TasteLabel {
  prompt: string;
  chosen: string;
  rejected: string;
}

/** Names under which the browser keeps the labels and the model. */
export const TASTE_FILE = 'taste.jsonl';
export const TASTE_MODEL = 'my-taste';

/** Number of labels that make a clear difference, and the smallest number that can be used. */
export const ENOUGH_LABELS = 40;
export const FEWEST_LABELS = 10;

/** Every fifth label is held out, to measure how well the judge predicts labels. */
const HELD_OUT = 5;

export function splitLabels(labels: readonly TasteLabel[]): {
  train: TasteLabel[];
  heldOut: TasteLabel[];
} {
  const isHeldOut = (i: number): boolean => i % HELD_OUT === HELD_OUT - 1;
  return {
    train: labels.filter((_, i) => !isHeldOut(i)),
    heldOut: labels.filter((_, i) => isHeldOut(i)),
  };
}

export function labelRows(labels: readonly TasteLabel[]): string {
  return jsonLines(labels.map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected })));
}

/** Passes over the labels. */
const EPOCHS = 10;
const BATCH = 8;

/** @param labels the number of labels to train on */
export function tasteModelRecipe(labels: number, dataFile: string): RecipeValues {
  return {
    algorithm: 'reward',
    model_name_or_path: 'public/models/reward',
    // The labels take the place of the world's prompts.
    world: null,
    datasets: [{ path: 'json', data_files: [dataFile], split: 'train' }],
    max_steps: Math.ceil((EPOCHS * labels) / BATCH),
    save_steps: 1000,
    per_device_train_batch_size: BATCH,
    // Two responses to one prompt.
    max_length: 160,
    learning_rate: 3e-3,
    lr_scheduler_type: 'linear',
    warmup_steps: 3,
    weight_decay: 0.01,
    adam_beta2: 0.95,
  };
}

/** Recipe keys with which a policy run shows a new taste within a few steps. */
export function tastePolicyRecipe(judge: string): RecipeValues {
  return {
    reward_model_name_or_path: judge,
    max_steps: 30,
    per_device_train_batch_size: 64,
    learning_rate: 1e-3,
    lr_scheduler_type: 'constant_with_warmup',
    warmup_steps: 2,
    save_steps: 10,
  };
}

/** Share of pairs whose chosen response scores higher. */
export function pairAccuracy(chosen: readonly number[], rejected: readonly number[]): number {
  return chosen.filter((score, i) => score > rejected[i]!).length / chosen.length;
}
