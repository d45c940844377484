/**
 * What every algorithm's trainer is to the loop that drives it (run.ts), the page and the command
 * line. One call of `trainStep` is one optimizer step.
 */
import type { AdamW } from '../model/adamw.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Evaluated } from './evaluate.ts';
import type { StepEvaluation } from './evaluation/fixed.ts';
import type { Group, MetricsRow } from './protocol.ts';

/** What one optimizer step did. */
export interface StepResult {
  metrics: MetricsRow;
  /** All groups of the step; none for algorithms without rollouts. */
  groups: Group[];
  /** Every completion of the evaluation, where one was due. */
  evaluation?: readonly Evaluated[];
}

export interface Trainer {
  readonly model: LanguageModel;
  readonly optimizer: AdamW;
  /** Optimizer steps done; set when a run is resumed. All data and random numbers follow from it. */
  step: number;
  /** Token rows trained on so far. */
  tokensSeen: number;
  /** What is under way inside a step, for people. */
  onDetail?: (detail: string) => void;
  trainStep(): Promise<StepResult>;
  /** Judges fixed held-out prompts; there when the recipe's eval_strategy asks for it. */
  readonly evaluate?: () => Promise<StepEvaluation>;
  destroy(): void;
}

/** What continues a run: the weights that train, moments and counters. */
export interface TrainerState {
  step: number;
  tokensSeen: number;
  weights: Map<string, Float32Array>;
  firstMoments: Map<string, Float32Array>;
  secondMoments: Map<string, Float32Array>;
}

export async function saveTrainer({
  model,
  optimizer,
  step,
  tokensSeen,
}: Trainer): Promise<TrainerState> {
  const { gpu, trainable } = model;
  return {
    step,
    tokensSeen,
    weights: await trainable.read(gpu),
    firstMoments: await optimizer.memory.m.read(gpu),
    secondMoments: await optimizer.memory.v.read(gpu),
  };
}

export function restoreTrainer(trainer: Trainer, state: TrainerState): void {
  const { model, optimizer } = trainer;
  model.trainable.setTensors(state.weights);
  optimizer.memory.m.setTensors(state.firstMoments);
  optimizer.memory.v.setTensors(state.secondMoments);
  optimizer.steps = state.step;
  trainer.step = state.step;
  trainer.tokensSeen = state.tokensSeen;
}
