/** What another trainer's output says of a run, in the rows that a run of Ponder has. */
import type { FileSource } from '../../../model/files.ts';
import type { Evaluated } from '../../../rl/evaluation/evaluate.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import type { RecipeValues } from '../../../rl/recipe/values.ts';
import type { CompletionRow } from '../../../rl/runs/record.ts';
import type { Damage } from './damage.ts';

/** An output that cannot be opened as a run; the message says what to do. */
export class ReturnError extends Error {
  override name = 'ReturnError';
}

/** Files by their paths. */
export type Files = ReadonlyMap<string, FileSource>;

export interface StepRows {
  /** What the step trained on; the rows of a group follow each other. */
  completions?: CompletionRow[];
  /** The tries at held-out prompts, and the first of each prompt. */
  followed?: CompletionRow[];
  evaluations?: Evaluated[];
  /** What follows from the completions, for a step whose metrics are not in the logs. */
  metrics?: Omit<MetricsRow, 'step'>;
  /** Completions that are left out because their score is not a finite number. */
  unscored?: number;
  damaged?: Damage[];
}

export interface Returned {
  trainer: 'TRL' | 'verl';
  /** As far as it is known. */
  recipe: RecipeValues;
  metrics: MetricsRow[];
  /** The steps of which completions were written, ascending. */
  steps: number[];
  read: (step: number) => Promise<StepRows>;
  /** What the output lacks, a sentence each. */
  lacks: string[];
  /** Files without completions that cannot be read. */
  damaged: Damage[];
}
