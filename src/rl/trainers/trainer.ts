/**
 * The interface of every algorithm's trainer for the training loop (run.ts), the page and the command
 * line. One call of `trainStep` takes one batch of data, and does one or more optimizer steps on it.
 */
import type { AdamW } from '../../model/adamw.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Evaluated } from '../evaluation/evaluate.ts';
import type { StepEvaluation } from '../evaluation/fixed.ts';
import type { Group, MetricsRow } from '../report.ts';

/** The result of one step. */
export interface StepResult {
  metrics: MetricsRow;
  /** All groups of the step; none for algorithms without rollouts. */
  groups: Group[];
  /** Every completion of the evaluation, if there was one. */
  evaluation?: readonly Evaluated[];
}

/** A model that is trained, with its optimizer. */
export interface Trained {
  readonly model: LanguageModel;
  readonly optimizer: AdamW;
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

/**
 * Moves a model against its gradient, in step `step` (from 0) of a run, and returns the gradient's
 * global norm before clipping.
 * @param metric what the norm is called in the metrics
 * @throws TrainingError when the norm is not finite; that gradient has moved nothing
 */
export async function moveWeights(
  { optimizer }: Trained,
  rate: number,
  step: number,
  metric = 'grad_norm',
): Promise<number> {
  const norm = await optimizer.step(rate);
  if (Number.isFinite(norm)) return norm;
  throw new TrainingError(
    `Training stopped in step ${step + 1}: ${metric}, the norm of the gradient, is ${norm}. This ` +
      'gradient has moved no weights, and the checkpoints before it are good. Lower learning_rate ' +
      'or max_grad_norm and resume; when it is the first step, see that all rewards and weights are ' +
      'finite numbers.',
  );
}

/** The state to continue the training of one model: weights, moments, and number of optimizer steps. */
export interface TrainedState {
  weights: Map<string, Float32Array>;
  firstMoments: Map<string, Float32Array>;
  secondMoments: Map<string, Float32Array>;
  optimizerSteps: number;
}

export async function saveTrained({ model, optimizer }: Trained): Promise<TrainedState> {
  const { gpu, trainable } = model;
  return {
    weights: await trainable.read(gpu),
    firstMoments: await optimizer.memory.m.read(gpu),
    secondMoments: await optimizer.memory.v.read(gpu),
    optimizerSteps: optimizer.steps,
  };
}

export function restoreTrained({ model, optimizer }: Trained, state: TrainedState): void {
  model.trainable.setTensors(state.weights);
  optimizer.memory.m.setTensors(state.firstMoments);
  optimizer.memory.v.setTensors(state.secondMoments);
  optimizer.steps = state.optimizerSteps;
}
