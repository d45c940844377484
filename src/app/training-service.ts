/** The interface between the page and the worker that trains. */
import type { RecipeValues } from '../rl/recipe/values.ts';
import type { StepReport } from '../rl/report.ts';

export type Phase =
  'loading' | 'compiling' | 'training' | 'paused' | 'finished' | 'stopped' | 'failed';

export interface Status {
  phase: Phase;
  /** Steps done, and steps in total. */
  step: number;
  maxSteps: number;
  /** Mean over the last steps; absent before the first. */
  secondsPerStep?: number;
  /** What happens now inside a step, for the user: "writing 128 completions (40%)". */
  detail?: string;
  /** In phase 'failed': what went wrong and what to do. */
  error?: string;
  /** The run can continue from this step after a reload; absent before the first checkpoint. */
  savedStep?: number;
  /** What was passed over when the run went on, and from where it goes on. */
  notice?: string;
  /** Why the run is not saved any more, and what to do. Training continues. */
  unsaved?: string;
  adapter?: string;
  /** Bytes on the GPU by lifetime. */
  memory?: Record<string, number>;
}

export interface TrainingListener {
  onStatus(status: Status): void;
  onStep(report: StepReport): void;
}

/** A run that begins. */
export interface NewRun {
  /** The name of its folder, which is new. */
  id: string;
  recipe: RecipeValues;
}

/** A stored run that goes on. */
export interface StoredRunEnd {
  id: string;
  /** The number of steps in total, if it is not that of the run's recipe. */
  maxSteps?: number;
}

/** The policy worker, as the page sees it through comlink. */
export interface TrainingService {
  /**
   * Loads the models that the recipe names (URLs relative to the page) and gets ready to step. Only
   * then is the run's folder written.
   */
  begin(run: NewRun, listener: TrainingListener): Promise<void>;
  /** Gets ready to continue from the run's last checkpoint; the steps up to it are reported first. */
  goOn(run: StoredRunEnd, listener: TrainingListener): Promise<void>;
  /** Runs until done, paused or stopped. */
  start(): Promise<void>;
  pause(): Promise<void>;
  /** One step, then pause. */
  step(): Promise<void>;
  /** Writes a checkpoint after the step that is running, because the tab may be closed. */
  save(): Promise<void>;
  stop(): Promise<void>;
}
