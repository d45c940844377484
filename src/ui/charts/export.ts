/** Everything a run recorded, as files that other tools read. */
import { jsonLines } from '../../rl/data/json-lines.ts';
import type { MetricsRow, StepReport } from '../../rl/report.ts';

export interface ExportedRun {
  label: string;
  rows: readonly MetricsRow[];
}

/**
 * One line per step, one column per metric in the order in which they first came; absent metrics are
 * empty. With several runs, the first column names the run.
 */
export function metricsCsv(runs: readonly ExportedRun[]): string {
  const keys = [...new Set(runs.flatMap(({ rows }) => rows.flatMap((row) => Object.keys(row))))];
  const several = runs.length > 1;
  const lines = runs.flatMap(({ label, rows }) =>
    rows.map((row) => [...(several ? [label] : []), ...keys.map((key) => row[key] ?? '')]),
  );
  const table = [[...(several ? ['run'] : []), ...keys], ...lines];
  return table.map((cells) => cells.map(csvCell).join(',') + '\n').join('');
}

/** The lines of a run folder's metrics.jsonl; with several runs, each line names its run. */
export function metricsJsonl(runs: readonly ExportedRun[]): string {
  const several = runs.length > 1;
  return jsonLines(
    runs.flatMap(({ label, rows }) => rows.map((row) => (several ? { run: label, ...row } : row))),
  );
}

/** TRL's completions table, for the groups that the page received: one a step. */
export function completionsJsonl(reports: readonly StepReport[]): string {
  return jsonLines(
    reports.flatMap(({ metrics, group }) =>
      (group?.samples ?? []).map((sample) => ({
        step: metrics.step,
        prompt: group?.prompt,
        completion: sample.completion,
        thought: sample.thought,
        response: sample.response,
        ...(sample.rewards ?? { reward_model: sample.reward }),
        reward: sample.reward,
        advantage: sample.advantage,
        ...(sample.gold !== undefined && { gold: sample.gold }),
      })),
    ),
  );
}

/** RFC 4180. An apostrophe before a text like a formula makes spreadsheets keep it as text. */
function csvCell(cell: string | number): string {
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
