import type { StepReport } from '../../rl/protocol.ts';
import { MetricTable } from '../charts/metric-table.ts';

/**
 * The run on view, recorded or live. Whoever has reports pushes them here, and everything the page
 * draws is read from here: data flows one way. A push costs what is new, however long the run is.
 */
export class Run {
  /** Steps the run will have. */
  total = $state(0);
  /** How many of the reports lie before the playhead; the last of them is the current one. */
  head = $state(0);
  /** Told up at every change of the plain arrays below, which Svelte does not watch. */
  private version = $state(0);
  private list: StepReport[] = [];
  private metrics = new MetricTable();

  readonly current = $derived(this.reports[this.head - 1]);

  /** Oldest first. The same array, grown: read it where it is used, a $derived of it alone is stale. */
  get reports(): readonly StepReport[] {
    return this.watched(this.list);
  }

  /** The same by metric, grown likewise. */
  get table(): MetricTable {
    return this.watched(this.metrics);
  }

  /** The steps that have reports. */
  get steps(): readonly number[] {
    return this.table.x.step;
  }

  /** Empties the run, for one of `total` steps. */
  reset(total: number): void {
    this.list = [];
    this.metrics = new MetricTable();
    this.version++;
    this.total = total;
    this.head = 0;
  }

  /** The playhead follows the newest report, unless it was moved to an earlier one. */
  push(...reports: readonly StepReport[]): void {
    const following = this.isFollowing;
    for (const report of reports) {
      this.list.push(report);
      this.metrics.append(report.metrics);
    }
    this.version++;
    if (following) this.head = this.list.length;
  }

  /** Moves the playhead, as far as there are reports. */
  seek(head: number): void {
    this.head = Math.min(this.list.length, Math.max(Math.min(1, this.list.length), head));
  }

  get isFollowing(): boolean {
    return this.head === this.reports.length;
  }

  private watched<T>(value: T): T {
    void this.version;
    return value;
  }
}
