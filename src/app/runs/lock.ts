/**
 * A Web Lock for each run: whoever holds it may write the run's folder. The browser releases the lock
 * when the tab or the worker that holds it is closed.
 */

const PREFIX = 'run ';

/** A worker that was closed just now may hold its lock for a moment, in milliseconds. */
const PATIENCE = 1_000;

/** @returns a function that releases the lock; undefined if somebody else holds it */
export function holdRun(id: string, patience = PATIENCE): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patience);
    navigator.locks
      .request(PREFIX + id, { signal }, () => new Promise<void>((release) => resolve(release)))
      .catch((error: unknown) => (signal.aborted ? resolve(undefined) : reject(error as Error)));
  });
}

/** Does `work` while nobody else writes the run or its facts. @throws if somebody trains it */
export async function whileHeld<T>(id: string, work: () => Promise<T>): Promise<T> {
  const release = await holdRun(id);
  if (!release) throw new Error(ELSEWHERE);
  try {
    return await whileFactsHeld(id, work);
  } finally {
    release();
  }
}

/**
 * The facts of a run (its name, its note) may change while a worker trains the run: they have a lock of
 * their own, so that they are not written into a folder that another tab is deleting.
 */
export function whileFactsHeld<T>(id: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`facts of ${id}`, work);
}

export const ELSEWHERE = 'This run is training in another tab. Close that tab, then continue here.';

/** The runs that some worker or tab writes now, this one included. */
export async function heldRuns(): Promise<ReadonlySet<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name = '' }) => name);
  return new Set(
    names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)),
  );
}

/** Resolves when nobody writes the run any more. */
export function whenFree(id: string): Promise<void> {
  // Shared: several tabs may wait without waiting for each other.
  return navigator.locks.request(PREFIX + id, { mode: 'shared' }, () => undefined);
}
