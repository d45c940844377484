import type { EvaluationSample, StepReport } from '../../rl/report.ts';

/** The fixed held-out prompts at one step. */
export interface EvaluatedStep {
  step: number;
  samples: readonly EvaluationSample[];
}

/** Those of a run's steps at which the policy was evaluated, oldest first. */
export function evaluatedSteps(reports: readonly StepReport[]): EvaluatedStep[] {
  return reports.flatMap(({ metrics, evaluation }) =>
    evaluation?.length ? [{ step: metrics.step, samples: evaluation }] : [],
  );
}
