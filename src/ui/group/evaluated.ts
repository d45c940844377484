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

/** When a run that goes on will be evaluated. */
export interface Schedule {
  /** The recipe's eval_steps; absent if the page does not have the recipe. */
  every?: number;
  /** The run's length in steps, after the last of which it is evaluated, too. */
  total: number;
}

/**
 * The step of the evaluation after the one that `evaluatedBy` gives, if it is known.
 * @param schedule absent where the run does not go on
 */
export function nextEvaluation(
  evaluated: readonly EvaluatedStep[],
  step: number,
  schedule?: Schedule,
): number | undefined {
  const shown = Math.max(step, evaluatedBy(evaluated, step)?.step ?? 0);
  const known = evaluated.find((one) => one.step > shown);
  if (known || schedule?.every === undefined) return known?.step;
  const { every, total } = schedule;
  const due = Math.min(every * (Math.floor(shown / every) + 1), total);
  return due > shown ? due : undefined;
}

/**
 * The prompt to show first: the one whose answer improved most (in gold, else in reward) from the first
 * evaluation to the last. A prompt is no good example if an answer to it greets a guest of another
 * prompt, at any evaluation: the slider shows them all.
 */
export function mostImproved(evaluated: readonly EvaluatedStep[]): number {
  const [first, last] = [evaluated[0]?.samples ?? [], evaluated.at(-1)?.samples ?? []];
  const guests = new Set(first.flatMap(({ prompt }) => guestsOf(prompt)));
  const examples = first.flatMap((before, i) => {
    const after = last[i];
    if (!after) return [];
    const all = evaluated.flatMap(({ samples }) => samples[i] ?? []);
    return {
      i,
      wrong: all.filter((sample) => greetsAnother(sample, guests)).length,
      gain: (after.gold ?? after.reward) - (before.gold ?? before.reward),
    };
  });
  return examples.sort((a, b) => a.wrong - b.wrong || b.gain - a.gain)[0]?.i ?? 0;
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
