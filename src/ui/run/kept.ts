import { del, get, set } from 'idb-keyval';
import type { RecipeValues } from '../../rl/recipe/values.ts';

/** A live run that was not finished; its weights lie in the origin private file system. */
export interface KeptRun {
  /** In the table of runs; absent in what earlier versions of the page kept. */
  id?: string;
  recipe: RecipeValues;
  /** Where it would go on. */
  step: number;
  maxSteps: number;
}

const KEY = 'kept-run';

/** Nothing where the browser keeps nothing, as in some private windows. */
export async function readKept(): Promise<KeptRun | null> {
  return (await get<KeptRun>(KEY).catch(() => undefined)) ?? null;
}

export async function writeKept(run: KeptRun | null): Promise<void> {
  await (run ? set(KEY, run) : del(KEY)).catch(() => undefined);
}
