import type { StepReport } from '../../rl/protocol.ts';
import type { Series } from './smoothing.ts';
import type { ChartSpec, Line } from './specs.ts';

/** A metric over the reports; null where a row lacks it (sparse) or it is no finite number. */
export function columnOf(reports: readonly StepReport[], key: string): Series {
  return reports.map(({ metrics }) => {
    // A run that was read from JSON has null where a number was not finite.
    const value = metrics[key] as number | null | undefined;
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  });
}

/** The newest value at or before `index`, so that a sparse metric still reads as something. */
export function valueAt(series: Series, index: number): number | null {
  for (let i = Math.min(index, series.length - 1); i >= 0; i--) {
    const value = series[i];
    if (typeof value === 'number') return value;
  }
  return null;
}

/** The chart in words, for those who do not see it. */
export function describeChart(
  spec: ChartSpec,
  steps: readonly number[],
  columns: readonly Series[],
): string {
  const sentences = spec.lines.map((line, i) => describeLine(line, steps, columns[i] ?? []));
  return `${spec.title} ${sentences.join(' ')}`;
}

function describeLine(line: Line, steps: readonly number[], series: Series): string {
  const points = series.flatMap((value, i) =>
    value === null ? [] : [{ value, step: steps[i] ?? 0 }],
  );
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return `${line.label}: no values yet.`;
  const at = (point: { value: number; step: number }): string =>
    `${line.format(point.value)} at step ${point.step}`;
  if (points.length === 1) return `${line.label}: ${at(first)}.`;
  const low = points.reduce((a, b) => (b.value < a.value ? b : a));
  const high = points.reduce((a, b) => (b.value > a.value ? b : a));
  return `${line.label}: from ${at(first)} to ${at(last)}; lowest ${at(low)}, highest ${at(high)}.`;
}

/** Indices of at most `rows` rows, evenly spread, the first and the last among them. */
export function spreadRows(length: number, rows: number): number[] {
  if (length <= rows) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: rows }, (_, i) => Math.round((i * (length - 1)) / (rows - 1)));
}
