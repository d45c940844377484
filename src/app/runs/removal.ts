/** Deletes stored runs. A folder stays for a moment after the deletion, in which `restoreRun` brings the run back. */
import { within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { changeFacts, readFacts, UNDO_MS } from './facts.ts';
import { whileHeld } from './lock.ts';

/** @throws if another tab trains it */
export async function removeRun(runs: RunFolder, id: string): Promise<void> {
  const deleted = await whileHeld(id, async () => {
    const now = Date.now();
    await changeFacts(runs, id, { deleted: now });
    return now;
  });
  removeLater(runs, id, deleted);
}

export async function restoreRun(runs: RunFolder, id: string): Promise<void> {
  await whileHeld(id, () => changeFacts(runs, id, { deleted: undefined }));
}

/**
 * Removes a run with its weights UNDO_MS after it was deleted. The run stays if it was restored since, even
 * if it was deleted again: the later deletion has its own time. It also stays while somebody trains it.
 * @param deleted the time in its facts
 */
export function removeLater(runs: RunFolder, id: string, deleted: number): void {
  const removeNow = async (): Promise<void> => {
    const facts = await readFacts(within(runs, id), id);
    if (facts?.deleted === deleted) await runs.remove(id);
  };
  const wait = deleted + UNDO_MS - Date.now();
  setTimeout(() => void whileHeld(id, removeNow).catch(() => undefined), wait);
}
