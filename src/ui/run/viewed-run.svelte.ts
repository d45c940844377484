import type { StepReport } from '../../rl/report.ts';
import { MetricTable } from '../charts/metric-table.ts';

/**
 * The run on view, recorded or live. Whoever has reports pushes them here, and everything the page
 * draws is read from here: data flows one way. A push costs what is new, however long the run is.
 */
export class ViewedRun {
  /** Steps the run will have. */
  total = $state(0);
  /** How many of the reports lie before the playhead; the last of them is the current one. */
  head = $state(0);
  /** The same two in another wrapping whenever they have grown, which is what readers notice. */
  private grown = $state.raw({ reports: [] as StepReport[], table: new MetricTable() });

  readonly current = $derived(this.reports[this.head - 1]);

  /** Oldest first. The same array, grown: read it where it is used, a $derived of it alone is stale. */
  get reports(): readonly StepReport[] {
    return this.grown.reports;
  }

  /** The same by metric, grown likewise. */
  get table(): MetricTable {
    return this.grown.table;
  }

  /** The steps that have reports. */
  get steps(): readonly number[] {
    return this.table.x.step;
  }

  /** Empties the run, for one of `total` steps. */
  reset(total: number): void {
    this.grown = { reports: [], table: new MetricTable() };
    this.total = total;
    this.head = 0;
  }

  /** The playhead follows the newest report, unless it was moved to an earlier one. */
  push(...reports: readonly StepReport[]): void {
    const following = this.isFollowing;
    const { reports: all, table } = this.grown;
    for (const report of reports) {
      all.push(report);
      table.append(report.metrics);
    }
    this.grown = { reports: all, table };
    if (following) this.head = all.length;
  }

  /** Moves the playhead, as far as there are reports. */
  seek(head: number): void {
    const { length } = this.reports;
    this.head = Math.min(length, Math.max(Math.min(1, length), head));
  }

  get isFollowing(): boolean {
    return this.head === this.reports.length;
  }
}
