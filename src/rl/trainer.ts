/**
 * What every algorithm's trainer is to the loop that drives it (run.ts), the page and the command
 * line. One call of `trainStep` is one optimizer step.
 */
import type { AdamW } from '../model/adamw.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Group, MetricsRow } from './protocol.ts';

/** What one optimizer step did. */
export interface StepResult {
  metrics: MetricsRow;
  /** All groups of the step; none for algorithms without rollouts. */
  groups: Group[];
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
  destroy(): void;
}

/** What continues a run: weights, moments and counters. */
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
  const { gpu } = model;
  const [weights, m, v] = await gpu.read(model.weights, optimizer.m, optimizer.v);
  const split = (bytes: ArrayBuffer | undefined): Map<string, Float32Array> =>
    model.splitPool(new Float32Array(bytes as ArrayBuffer));
  return {
    step,
    tokensSeen,
    weights: split(weights),
    firstMoments: split(m),
    secondMoments: split(v),
  };
}

export function restoreTrainer(trainer: Trainer, state: TrainerState): void {
  const { model, optimizer } = trainer;
  model.setTensors(state.weights);
  model.setTensors(state.firstMoments, optimizer.m);
  model.setTensors(state.secondMoments, optimizer.v);
  optimizer.steps = state.step;
  trainer.step = state.step;
  trainer.tokensSeen = state.tokensSeen;
}
