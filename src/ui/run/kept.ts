import type { RecipeValues } from '../../rl/recipe/values.ts';
import { forget, recall, remember } from '../remembered.ts';

/** A live run that was not finished; its weights lie in the origin private file system. */
export interface KeptRun {
  /** Its id in the table of runs; absent if an older version of the page stored it. */
  id?: string;
  recipe: RecipeValues;
  /** The step from which it would continue. */
  step: number;
  maxSteps: number;
}

const KEY = 'kept-run';

/** null where the browser stores nothing, as in some private windows. */
export async function readKept(): Promise<KeptRun | null> {
  return (await recall<KeptRun>(KEY)) ?? null;
}

export function writeKept(run: KeptRun | null): Promise<void> {
  return run ? remember(KEY, run) : forget(KEY);
}
