/**
 * The interface of every algorithm's trainer for the training loop (run.ts), the page and the command
 * line. One call of `trainStep` takes one batch of data, and does one or more optimizer steps on it.
 */
import type { AdamW } from '../../model/adamw.ts';
import { packBatch } from '../../model/batch.ts';
import type { TrainingRunner } from '../../model/batch-runner.ts';
import { checkpointFiles, type CheckpointFiles } from '../../model/checkpoint.ts';
import { CheckpointError, NotFiniteError, requireFinite } from '../../model/errors.ts';
import type { CheckpointFolder } from '../../model/files.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { SafetensorsFile } from '../../model/safetensors.ts';
import {
  loadTensors,
  placesOf,
  saveTensors,
  weightPlaces,
  type Place,
} from '../../model/weight-transfer.ts';
import type { Evaluated } from '../evaluation/evaluate.ts';
import type { StepEvaluation } from '../evaluation/fixed.ts';
import type { Group, MetricsRow } from '../report.ts';

/** The result of one step. */
export interface StepResult {
  metrics: MetricsRow;
  /** All groups of the step; none for algorithms without rollouts. */
  groups: Group[];
  /** Groups of held-out prompts, in the order of the evaluation; only in a step that is evaluated. */
  followed?: readonly Group[];
  /** Every completion of the evaluation, if there was one. */
  evaluation?: readonly Evaluated[];
}

/** A model that is trained, with its optimizer and what runs its passes. */
export interface Trained {
  readonly model: LanguageModel;
  readonly optimizer: AdamW;
  readonly runner: TrainingRunner;
}

export interface Trainer extends Trained {
  /** PPO's value model, which is trained besides the policy; a checkpoint has it in a folder `value`. */
  readonly value?: Trained;
  /** Steps done; set when a run is resumed. All data and random numbers depend on it. */
  step: number;
  /** Token rows trained on so far. */
  tokensSeen: number;
  /** Called with a text about what happens now inside a step. */
  onDetail?: (detail: string) => void;
  trainStep(): Promise<StepResult>;
  /** Evaluates on fixed held-out data; present if the recipe has eval_strategy: steps. */
  readonly evaluate?: (() => Promise<StepEvaluation>) | undefined;
  destroy(): void;
}

/** Training cannot go on; the message says what to change. */
export class TrainingError extends Error {
  override name = 'TrainingError';
}

const NOT_SAVED =
  'This step is not saved; the checkpoints of earlier steps, if there are any, are good.';

/**
 * Does a part of step `step` (from 1) of a run.
 * @throws TrainingError when a number of the step is not finite, with that number's name
 */
export async function inStep<T>(step: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotFiniteError)) throw error;
    throw new TrainingError(
      `Training stopped in step ${step}: ${error.finding}. ${NOT_SAVED} ` +
        'Train again with a lower learning_rate, or with rewards of a ' +
        'smaller size; if this is the first step, check the weights of the model.',
    );
  }
}

/** @throws NotFiniteError that names the first metric that is not finite */
export function checkMetrics(metrics: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(metrics)) requireFinite(name, [value]);
}

/**
 * Moves a model against its gradient, in step `step` (from 0) of a run, and returns the gradient's
 * global norm before clipping.
 * @param loss the gradient is its derivative
 * @param metric what the norm is called in the metrics
 * @throws NotFiniteError when the loss is not finite, and TrainingError when the norm is not; that
 *   gradient has moved nothing
 */
export async function moveWeights(
  { optimizer }: Trained,
  rate: number,
  step: number,
  loss: number,
  metric = 'grad_norm',
): Promise<number> {
  requireFinite('loss', [loss]);
  const norm = await optimizer.step(rate);
  if (Number.isFinite(norm)) return norm;
  throw new TrainingError(
    `Training stopped in step ${step + 1}: ${metric}, the norm of the gradient, is ${norm}. This ` +
      `gradient has moved no weights. ${NOT_SAVED} Train again with a lower ` +
      'learning_rate; if this is the first step, check that all weights of the model are finite.',
  );
}

const MOMENTS = 'optimizer.safetensors';

/** Adam's first and second moment of every tensor, side by side. */
function momentPlaces({ memory: { m, v } }: AdamW): Place[] {
  const second = placesOf(v, (tensor) => `exp_avg_sq.${tensor}`);
  return placesOf(m, (tensor) => `exp_avg.${tensor}`).flatMap((first, i) => [first, second[i]!]);
}

/**
 * The files of one trained model in a checkpoint: the model's own, and the optimizer's moments.
 * @throws NotFiniteError when the model computes no finite numbers any more
 */
export async function trainedFiles(trained: Trained): Promise<CheckpointFiles> {
  const { model, optimizer, runner } = trained;
  const [token] = model.config.eosTokenIds;
  const shortest = { prompt: [token ?? 0], completions: [[token ?? 0]] };
  await runner.forward(packBatch([shortest], 'completion'));
  const moments = saveTensors(model.gpu, momentPlaces(optimizer));
  return new Map([...checkpointFiles(model), [MOMENTS, moments]]);
}

/**
 * Loads weights and moments of a checkpoint, to continue training from them.
 * @throws CheckpointError when a file is missing or belongs to another model
 */
export async function restoreTrained(
  { model, optimizer }: Trained,
  folder: CheckpointFolder,
  optimizerSteps: number,
): Promise<void> {
  const weights = model.lora ? ADAPTER_WEIGHTS : 'model.safetensors';
  await loadTensors(model.gpu, [
    ...(await openPlaces(folder, weights, weightPlaces(model.trainable))),
    ...(await openPlaces(folder, MOMENTS, momentPlaces(optimizer))),
  ]);
  optimizer.steps = optimizerSteps;
}

async function openPlaces(
  folder: CheckpointFolder,
  name: string,
  places: readonly Place[],
): Promise<(Place & { file: SafetensorsFile })[]> {
  const source = await folder.open(name);
  if (!source) {
    throw new CheckpointError(
      `${folder.name}/${name} is missing; go on with the recipe that the run began with`,
    );
  }
  const file = await SafetensorsFile.open(source);
  for (const place of places) {
    const stored = file.tensors.get(place.name)?.shape;
    const { shape } = place.pool.layout.parameters.get(place.tensor)!;
    if (stored?.join() === shape.join()) continue;
    throw new CheckpointError(
      `${source.path}: ${place.name} is ${stored ? `[${stored.join(', ')}]` : 'missing'}, and ` +
        `[${shape.join(', ')}] is trained; resume with the recipe that the run began with`,
    );
  }
  return places.map((place) => ({ ...place, file }));
}
