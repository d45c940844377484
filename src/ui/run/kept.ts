import { del, get, set } from 'idb-keyval';
import type { RecipeValues } from '../../rl/recipe/values.ts';

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
  return (await get<KeptRun>(KEY).catch(() => undefined)) ?? null;
}

export async function writeKept(run: KeptRun | null): Promise<void> {
  await (run ? set(KEY, run) : del(KEY)).catch(() => undefined);
}
