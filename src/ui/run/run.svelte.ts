import type { StepReport } from '../../rl/protocol.ts';

/**
 * The run on view, recorded or live. Whoever has reports pushes them here, and everything the page
 * draws is read from here: data flows one way.
 */
export class Run {
  /** Oldest first. Raw: a report never changes, and there may be thousands. */
  reports = $state.raw<readonly StepReport[]>([]);
  /** Steps the run will have. */
  total = $state(0);
  /** How many of the reports lie before the playhead; the last of them is the current one. */
  head = $state(0);

  readonly current = $derived(this.reports[this.head - 1]);
  readonly steps = $derived(this.reports.map((report) => report.metrics.step));

  /** Empties the run, for one of `total` steps. */
  reset(total: number): void {
    this.reports = [];
    this.total = total;
    this.head = 0;
  }

  /** The playhead follows the newest report, unless it was moved to an earlier one. */
  push(...reports: readonly StepReport[]): void {
    const following = this.isFollowing;
    this.reports = [...this.reports, ...reports];
    if (following) this.head = this.reports.length;
  }

  /** Moves the playhead, as far as there are reports. */
  seek(head: number): void {
    this.head = Math.min(this.reports.length, Math.max(Math.min(1, this.reports.length), head));
  }

  get isFollowing(): boolean {
    return this.head === this.reports.length;
  }
}
