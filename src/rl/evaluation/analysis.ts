/** Lengths and cost from the metrics of a run. */
import { mean } from '../statistics.ts';
import type { MetricsRow } from '../report.ts';

export interface Lengths {
  from: number;
  to: number;
  /** Words of the thought and of the response, where they are known; tokens of the whole completion. */
  thought: number | undefined;
  response: number | undefined;
  tokens: number;
}

const THOUGHT = 'completions/mean_thought_length';
const RESPONSE = 'completions/mean_response_length';
const TOKENS = 'completions/mean_length';

/**
 * Mean lengths in up to `parts` stretches of training; none if nothing was sampled. For runs whose
 * samples come from the initial policy (offline DPO), the lengths are those of the evaluations.
 */
export function lengthsOverTraining(rows: readonly MetricsRow[], parts = 10): Lengths[] {
  const prefix = rows.some((row) => row[TOKENS] !== undefined) ? '' : 'eval_';
  const sampled = rows.filter((row) => row[prefix + TOKENS] !== undefined);
  const perPart = Math.ceil(sampled.length / parts);
  const stretches: Lengths[] = [];
  for (let first = 0; first < sampled.length; first += perPart) {
    const part = sampled.slice(first, first + perPart);
    const average = (metric: string): number | undefined => {
      const known = part.flatMap((row) => row[prefix + metric] ?? []);
      return known.length > 0 ? mean(known) : undefined;
    };
    stretches.push({
      from: part[0]!.step,
      to: part.at(-1)!.step,
      thought: average(THOUGHT),
      response: average(RESPONSE),
      tokens: average(TOKENS)!,
    });
  }
  return stretches;
}

export interface TrainingCost {
  steps: number;
  /** Sum of the steps' times, without evaluations and loading. */
  seconds: number;
  /** `num_tokens`: tokens of the training data; a prompt counts once for each completion. */
  trained_tokens: number;
  /** Tokens sampled for training; absent if the metrics have no completion lengths. */
  generated_tokens?: number;
}

/** Assumes `completionsPerStep` completions in every step that has a mean length. */
export function trainingCost(
  rows: readonly MetricsRow[],
  completionsPerStep: number,
): TrainingCost {
  const steps = rows.filter(({ step }) => step > 0);
  const lengths = steps.flatMap((row) => row[TOKENS] ?? row[`samples/${TOKENS}`] ?? []);
  return {
    steps: steps.at(-1)?.step ?? 0,
    seconds: steps.reduce((sum, row) => sum + (row.step_time ?? 0), 0),
    trained_tokens: steps.at(-1)?.num_tokens ?? 0,
    ...(lengths.length > 0 && {
      generated_tokens: Math.round(completionsPerStep * lengths.reduce((a, b) => a + b, 0)),
    }),
  };
}
