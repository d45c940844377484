import type { EvaluationSample, StepReport } from '../../rl/report.ts';
import { parseMenu } from './menu.ts';

/** The fixed held-out prompts at one step. */
export interface EvaluatedStep {
  step: number;
  samples: readonly EvaluationSample[];
}

/** The steps at which the policy was evaluated, oldest first. */
export function evaluatedSteps(reports: readonly StepReport[]): EvaluatedStep[] {
  return reports.flatMap(({ metrics, evaluation }) =>
    evaluation?.length ? [{ step: metrics.step, samples: evaluation }] : [],
  );
}

/** The last evaluation up to a step; the first one before that. */
export function evaluatedBy(
  evaluated: readonly EvaluatedStep[],
  step: number,
): EvaluatedStep | undefined {
  return evaluated.findLast((one) => one.step <= step) ?? evaluated[0];
}

/**
 * The prompt to show first: the one whose answer improved most (in gold, else in reward) from the first
 * evaluation to the last. An answer that greets a guest of another prompt is no good example.
 */
export function mostImproved(evaluated: readonly EvaluatedStep[]): number {
  const [first, last] = [evaluated[0]?.samples ?? [], evaluated.at(-1)?.samples ?? []];
  const guests = new Set(first.flatMap(({ prompt }) => guestsOf(prompt)));
  const gains = first.map((before, i) => {
    const after = last[i];
    if (!after || greetsAnother(after, guests)) return -Infinity;
    return (after.gold ?? after.reward) - (before.gold ?? before.reward);
  });
  return Math.max(0, gains.indexOf(Math.max(...gains)));
}

const guestsOf = (prompt: string): string[] =>
  parseMenu(prompt)?.guests.map(({ name }) => name) ?? [];

function greetsAnother(
  { prompt, response }: EvaluationSample,
  guests: ReadonlySet<string>,
): boolean {
  const own = guestsOf(prompt);
  return response.split(/\s+/).some((word) => guests.has(word) && !own.includes(word));
}
