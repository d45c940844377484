/** Stored runs as the table lists them: each with a name, a slot of its own, and how it ended. */
import type { RunFacts } from '../../app/runs/facts.ts';
import type { StoredRun } from '../../app/runs/stored-runs.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';

/** elsewhere: another tab trains it. */
export type RunEnd = 'running' | 'elsewhere' | 'finished' | 'stopped' | 'failed';

/** What is known of a run when it is listed. */
export interface Listing {
  id: string;
  facts: RunFacts;
  recipe: RecipeValues;
  maxSteps: number;
  savedStep: number;
  end: RunEnd;
  problems?: readonly string[];
}

interface Around {
  /** The runs that somebody writes now, and those of them that this tab writes. */
  held: ReadonlySet<string>;
  here: readonly string[];
  /** Slots of the runs that are listed already. */
  taken: readonly number[];
  /** A name for a run that has none. */
  nameOf: (recipe: RecipeValues) => string;
}

export function listingsOf(
  stored: readonly StoredRun[],
  { held, here, taken, nameOf }: Around,
): (Listing & Pick<StoredRun, 'rows'>)[] {
  const slots = [...taken];
  return stored.map((run) => {
    const { id, recipe, facts } = run;
    // A run from another browser has no slot, or that of another run.
    const slot = facts.slot > 0 && !slots.includes(facts.slot) ? facts.slot : nextSlot(slots);
    slots.push(slot);
    const name = facts.name || nameOf(recipe);
    return { ...run, facts: { ...facts, slot, name }, end: endOf(run, held, here.includes(id)) };
  });
}

function endOf(
  { id, finished, facts }: StoredRun,
  held: ReadonlySet<string>,
  here: boolean,
): RunEnd {
  if (held.has(id)) return here ? 'running' : 'elsewhere';
  return finished ? 'finished' : (facts.ended ?? 'stopped');
}

/** The slot of the second recorded run: the letter Z. The first has 0. */
export const LAST_SLOT = 25;

export function nextSlot(slots: readonly number[]): number {
  const next = 1 + Math.max(0, ...slots.filter((slot) => slot !== LAST_SLOT));
  return next === LAST_SLOT ? next + 1 : next;
}
