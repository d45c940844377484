import type { FactsChange } from '../../app/runs/facts.ts';

/**
 * Writes changes of run.json, one after the other. A change that cannot be written yet (the run has no
 * folder, or the disk is full) waits and is written together with later changes of its run.
 */
export class FactsWriter {
  /** How many changes there were so far. */
  count = 0;
  private readonly waiting = new Map<string, FactsChange>();
  private last: Promise<void> = Promise.resolve();

  /** @param write returns false, or rejects, if the change must wait */
  constructor(private readonly write: (id: string, change: FactsChange) => Promise<boolean>) {}

  change(id: string, change: FactsChange): Promise<void> {
    this.count++;
    this.waiting.set(id, { ...this.waiting.get(id), ...change });
    return this.retry(id);
  }

  /** Writes what waits for a run. */
  retry(id: string): Promise<void> {
    if (this.waiting.has(id)) this.last = this.last.then(() => this.writeWaiting(id));
    return this.last;
  }

  /** What waits for a run. */
  waitingFor(id: string): FactsChange | undefined {
    return this.waiting.get(id);
  }

  /** Resolves when every change so far is written, or has to wait. */
  settled(): Promise<void> {
    return this.last;
  }

  private async writeWaiting(id: string): Promise<void> {
    const change = this.waiting.get(id);
    if (!change) return;
    const written = await this.write(id, change).catch(() => false);
    // A later change has the fields of this one, too.
    if (written && this.waiting.get(id) === change) this.waiting.delete(id);
  }
}
