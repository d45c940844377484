/**
 * What every algorithm's trainer is to the loop that drives it (run.ts), the page and the command
 * line. One call of `trainStep` is one batch of data, and one or more optimizer steps on it.
 */
import type { AdamW } from '../../model/adamw.ts';
import { checkpointFiles, type CheckpointFiles } from '../../model/checkpoint.ts';
import { CheckpointError } from '../../model/errors.ts';
import type { CheckpointFolder } from '../../model/files.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { SafetensorsFile } from '../../model/safetensors.ts';
import { loadTensors, placesOf, saveTensors, type Place } from '../../model/weight-transfer.ts';
import type { Evaluated } from '../evaluation/evaluate.ts';
import type { StepEvaluation } from '../evaluation/fixed.ts';
import type { Group, MetricsRow } from '../report.ts';

/** What one step did. */
export interface StepResult {
  metrics: MetricsRow;
  /** All groups of the step; none for algorithms without rollouts. */
  groups: Group[];
  /** Every completion of the evaluation, where one was due. */
  evaluation?: readonly Evaluated[];
}

/** A model that trains. */
export interface Trained {
  readonly model: LanguageModel;
  readonly optimizer: AdamW;
}

export interface Trainer extends Trained {
  /** What trains besides the policy, PPO's value model: a checkpoint keeps it in a folder `value`. */
  readonly value?: Trained;
  /** Steps done; set when a run is resumed. All data and random numbers follow from it. */
  step: number;
  /** Token rows trained on so far. */
  tokensSeen: number;
  /** What is under way inside a step, for people. */
  onDetail?: (detail: string) => void;
  trainStep(): Promise<StepResult>;
  /** Judges fixed held-out data; there when the recipe's eval_strategy asks for it. */
  readonly evaluate?: (() => Promise<StepEvaluation>) | undefined;
  destroy(): void;
}

const MOMENTS = 'optimizer.safetensors';

/** Adam's moments of every tensor, the first beside the second. */
function momentPlaces({ memory: { m, v } }: AdamW): Place[] {
  const second = placesOf(v, (tensor) => `exp_avg_sq.${tensor}`);
  return placesOf(m, (tensor) => `exp_avg.${tensor}`).flatMap((first, i) => [first, second[i]!]);
}

/** What a checkpoint keeps of one model that trains: the model's own files, and its moments. */
export function trainedFiles({ model, optimizer }: Trained): CheckpointFiles {
  const moments = saveTensors(model.gpu, momentPlaces(optimizer));
  return new Map([...checkpointFiles(model), [MOMENTS, moments]]);
}

/**
 * Puts the weights and moments of a checkpoint in their places, so that training goes on from them.
 * @throws CheckpointError when a file is missing, or is of another model
 */
export async function restoreTrained(
  { model, optimizer }: Trained,
  folder: CheckpointFolder,
  optimizerSteps: number,
): Promise<void> {
  const weights = model.lora ? ADAPTER_WEIGHTS : 'model.safetensors';
  await loadTensors(model.gpu, [
    ...(await openPlaces(folder, weights, placesOf(model.trainable))),
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
      `${folder.name}/${name} is missing; delete this checkpoint to resume from an earlier one`,
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
