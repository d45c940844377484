/**
 * Code that somebody else wrote: chat templates, the patterns of tokenizers, rules. It may never end, and
 * nothing in its own thread can stop it then. So each call is announced to a watcher outside the thread:
 * the page for its workers, a second thread for the command line. If the call takes too long, the
 * watcher ends the thread, or the process, and says why; the next call gets a new one.
 */

/** How long one call may take: far longer than any text needs, also on a slow machine. */
export const FOREIGN_SECONDS = 10;

/** Is told which call is under way; undefined when it has ended. It must not wait for this thread. */
type ForeignWatcher = (call: string | undefined) => void;

let watcher: ForeignWatcher | undefined;
let running = false;

/** From now on this thread's calls are watched. */
export function watchForeign(by: ForeignWatcher): void {
  watcher = by;
}

/**
 * Runs a call of foreign code.
 * @param what names it at the beginning of a sentence: "The chat template in MODEL"
 */
export function runForeign<T>(what: string, run: () => T): T {
  if (!watcher || running) return run();
  running = true;
  watcher(what);
  try {
    return run();
  } finally {
    running = false;
    watcher(undefined);
  }
}

/** Why a watcher ended a call, and what to do. */
export const tooLong = (call: string, seconds = FOREIGN_SECONDS): string =>
  `${call} takes longer than ${seconds} seconds, so it was stopped; correct it, or use another.`;
