/**
 * A run may take thousands of steps, and the completions of a step with their traces take about 100 kB.
 * The page keeps those of the last steps in memory; those of an earlier step stay in the run's folder and
 * are read when it is shown.
 */
import { blobSource } from '../../model/files.ts';
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import { recordedSteps } from '../../rl/runs/record.ts';
import { within, type RunFolder } from '../../rl/runs/run-folder.ts';

/** How many of the last reports are whole. */
export const WHOLE = 200;

export interface KeptReport extends StepReport {
  /** Its completions are in the run's folder only. */
  thinned?: true;
}

/** Without completions. Numbers and evaluations stay: curves, and before and after, are made of them. */
export function thin({ metrics, evaluation }: StepReport): KeptReport {
  return { metrics, ...(evaluation && { evaluation }), thinned: true };
}

/** Adds a report to those of a run, and thins the one that is not among the last any more. */
export function keep(reports: KeptReport[], report: KeptReport): void {
  const old = reports.length - WHOLE;
  if (old >= 0) reports[old] = thin(reports[old]!);
  reports.push(report);
}

/** All reports, of which the last are whole. */
export function keepLast(reports: readonly StepReport[]): KeptReport[] {
  return reports.map((report, i) => (i < reports.length - WHOLE ? thin(report) : report));
}

/** One whole report of a stored run, by its row of metrics. */
export async function readReport(
  runs: RunFolder,
  id: string,
  row: MetricsRow,
): Promise<StepReport | undefined> {
  const run = within(runs, id);
  const METRICS = 'metrics.jsonl';
  const onlyRow = blobSource(METRICS, new Blob([`${JSON.stringify(row)}\n`]));
  const folder: RunFolder = {
    ...run,
    open: (path) => (path === METRICS ? Promise.resolve(onlyRow) : run.open(path)),
  };
  const options = { traceSteps: 1, onDamage: () => undefined };
  return (await recordedSteps(folder, id, options))[0];
}
