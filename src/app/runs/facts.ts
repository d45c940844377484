/** What the page knows of a run besides what training writes: run.json in the run's folder. */
import { readText, type RunFolder } from '../../rl/runs/run-folder.ts';

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

/** undefined if there is no such file. @throws SyntaxError if it is not whole */
export async function readFacts(run: RunFolder, id: string): Promise<RunFacts | undefined> {
  const text = await readText(run, FACTS_FILE);
  return text === undefined
    ? undefined
    : { ...unknownFacts(id), ...(JSON.parse(text) as Partial<RunFacts>) };
}

/** Path and text of the file. */
export const factsFile = (facts: RunFacts): [path: string, text: string] => [
  FACTS_FILE,
  `${JSON.stringify(facts, null, 2)}\n`,
];

export function writeFacts(run: RunFolder, facts: RunFacts): Promise<void> {
  return run.write(...factsFile(facts));
}
