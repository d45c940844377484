import type { StepReport } from '../../rl/report.ts';
import { keep, thin, type KeptReport } from '../../app/runs/kept-reports.ts';
import { MetricTable } from '../charts/metric-table.ts';

/** Where the completions of earlier steps are. */
export interface ReportSource {
  /** The step's whole report. */
  read(step: KeptReport): Promise<StepReport | undefined>;
  readAll(): Promise<readonly StepReport[]>;
}

/** How many earlier steps that were looked at stay whole. */
const LOOKED_AT = 30;

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
  private grown = $state.raw({ reports: [] as KeptReport[], table: new MetricTable() });

  readonly current = $derived(this.reports[this.head - 1]);

  /** Oldest first. The array grows in place: read it where it is used, a $derived of it is stale. */
  get reports(): readonly KeptReport[] {
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

  private source: ReportSource | undefined;
  /** Reports that were read again, by index, the oldest first. */
  private lookedAt: number[] = [];
  /** The completions of an earlier step are being read. */
  reading = $state(false);

  /** Begins an empty run of `total` steps. Without a `source`, all its reports stay as they are. */
  reset(total: number, source?: ReportSource): void {
    this.source = source;
    this.lookedAt = [];
    this.grown = { reports: [], table: new MetricTable() };
    this.total = total;
    this.head = 0;
  }

  /** The playhead follows the newest report, unless it was moved to an earlier one. */
  push(...reports: readonly StepReport[]): void {
    const following = this.isFollowing;
    const { reports: all, table } = this.grown;
    for (const report of reports) {
      if (this.source) keep(all, report);
      else all.push(report);
      table.append(report.metrics);
    }
    this.grown = { reports: all, table };
    if (following) this.head = all.length;
  }

  /** Moves the playhead, as far as there are reports. */
  seek(head: number): void {
    const { length } = this.reports;
    this.head = Math.min(length, Math.max(Math.min(1, length), head));
    void this.readShown();
  }

  /** All reports with their completions, also those that are not in memory. */
  readAll(): Promise<readonly StepReport[]> {
    // A run that is not stored has only what is in memory.
    return this.source?.readAll().catch(() => this.reports) ?? Promise.resolve(this.reports);
  }

  /** Reads what the playhead shows and memory lacks: the step, and the evaluated one before it. */
  private async readShown(): Promise<void> {
    if (this.reading) return;
    const { source, reports } = this;
    const shown = this.head - 1;
    const evaluated = reports.slice(0, this.head).findLastIndex(({ evaluation }) => evaluation);
    const index = [shown, evaluated].find((i) => reports[i]?.thinned);
    if (!source || index === undefined) return;
    this.reading = true;
    const whole = await source.read(reports[index]!).catch(() => undefined);
    this.reading = false;
    // Another run may be on view by now.
    const isSame = this.grown.reports === reports;
    if (isSame && whole) this.keepWhole(index, whole);
    // What cannot be read is not tried again.
    if (whole || !isSame || this.head - 1 !== shown) void this.readShown();
  }

  private keepWhole(index: number, whole: StepReport): void {
    const { reports, table } = this.grown;
    reports[index] = whole;
    this.lookedAt.push(index);
    const oldest = this.lookedAt.length > LOOKED_AT ? this.lookedAt.shift() : undefined;
    if (oldest !== undefined) reports[oldest] = thin(reports[oldest]!);
    this.grown = { reports, table };
  }

  get isFollowing(): boolean {
    return this.head === this.reports.length;
  }
}
