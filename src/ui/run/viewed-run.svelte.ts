import type { StepReport } from '../../rl/report.ts';
import { MetricTable } from '../charts/metric-table.ts';

/**
 * The run on view, recorded or live. Reports are pushed here, and everything that the page draws is
 * read from here: data flows one way. The cost of a push does not grow with the run.
 */
export class ViewedRun {
  /** Steps the run will have. */
  total = $state(0);
  /** How many of the reports lie before the playhead; the last of them is the current one. */
  head = $state(0);
  /** The same two in a new object whenever they have grown, so that readers notice. */
  private grown = $state.raw({ reports: [] as StepReport[], table: new MetricTable() });

  readonly current = $derived(this.reports[this.head - 1]);

  /** Oldest first. The array grows in place: read it where it is used, a $derived of it is stale. */
  get reports(): readonly StepReport[] {
    return this.grown.reports;
  }

  /** The same by metric; it grows in place, too. */
  get table(): MetricTable {
    return this.grown.table;
  }

  /** The steps that have reports. */
  get steps(): readonly number[] {
    return this.table.x.step;
  }

  /** Begins an empty run of `total` steps. */
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
