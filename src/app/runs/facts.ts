/** What the page knows of a run besides what training writes: run.json in the run's folder. */
import { readText, within, type RunFolder } from '../../rl/runs/run-folder.ts';

export interface RunFacts {
  /** As the visitor named the run; '' if its changes name it. */
  name: string;
  note: string;
  /** Milliseconds since 1970. */
  started: number;
  /** Decides the run's letter and colour; it never changes. 0 is the recorded run. */
  slot: number;
  /** Whether the run is drawn over the run on view. */
  overlaid: boolean;
  /** How the run ended before its last step; absent while it trains, or if its tab was closed. */
  ended?: 'stopped' | 'failed';
  /** Why it failed, in a sentence. */
  reason?: string;
  /** When it was deleted, in milliseconds since 1970: for a moment that can be undone. */
  deleted?: number;
}

/** New values of some facts; undefined removes one. The other facts stay as they are. */
export type FactsChange = { [Fact in keyof RunFacts]?: RunFacts[Fact] | undefined };

/** How long a deleted run can be brought back, in milliseconds. */
export const UNDO_MS = 10_000;

/**
 * Checkpoints that a page's run keeps: a browser has little room, and every minute writes one. The one
 * before the last stays for a reader that opened it before the last was complete.
 */
export const CHECKPOINTS = 2;

const FACTS_FILE = 'run.json';

/** A new name for a folder; it also says when the run began. */
export const newRunId = (): string => `run-${Date.now()}`;

/** The facts of a run whose file is missing, as in a folder of the command line. */
export function unknownFacts(id: string): RunFacts {
  const started = Number(/(\d+)$/.exec(id)?.[1] ?? 0);
  return { name: '', note: '', started, slot: 0, overlaid: false };
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** Whether a value can be this fact. */
const CHECKS: Record<keyof RunFacts, (value: unknown) => boolean> = {
  name: isText,
  note: isText,
  started: Number.isFinite,
  slot: Number.isSafeInteger,
  overlaid: (value) => typeof value === 'boolean',
  ended: (value) => value === 'stopped' || value === 'failed',
  reason: isText,
  deleted: Number.isFinite,
};

/**
 * Without the facts that have impossible values: the file may come from another version or program.
 * @returns undefined if there is no such file
 * @throws SyntaxError if it is not whole
 */
export async function readFacts(run: RunFolder, id: string): Promise<RunFacts | undefined> {
  const text = await readText(run, FACTS_FILE);
  if (text === undefined) return undefined;
  const read = Object.entries((JSON.parse(text) ?? {}) as object);
  const possible = read.filter(
    ([fact, value]) => !Object.hasOwn(CHECKS, fact) || CHECKS[fact as keyof RunFacts](value),
  );
  return { ...unknownFacts(id), ...(Object.fromEntries(possible) as Partial<RunFacts>) };
}

/** For a run that nobody else can see yet; later only `changeFacts` writes the file. */
export function writeFacts(run: RunFolder, facts: RunFacts): Promise<void> {
  return run.write(FACTS_FILE, `${JSON.stringify(facts, null, 2)}\n`);
}

/**
 * Changes facts of a stored run. Call it inside `whileFactsHeld` (lock.ts), because several tabs may change
 * the same run.
 * @returns false if the run has no folder: its training has not begun, or it was removed
 */
export async function changeFacts(
  runs: RunFolder,
  id: string,
  change: FactsChange,
): Promise<boolean> {
  if ((await runs.list(id)).length === 0) return false;
  const run = within(runs, id);
  const facts = await readFacts(run, id).catch((error: unknown) => {
    // A file that cannot be read now may be whole.
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  });
  const changed = { ...(facts ?? unknownFacts(id)), ...change };
  await run.write(FACTS_FILE, `${JSON.stringify(changed, null, 2)}\n`);
  return true;
}
