import type { Extent, MetricTable, Point } from './metric-table.ts';
import { isComparable } from './series.ts';
import type { ChartSpec, Line } from './specs.ts';
import type { Overlay } from './view.svelte.ts';

/** The chart and the runs drawn over it in words, for people who cannot see it. */
export function describeChart(
  spec: ChartSpec,
  table: MetricTable,
  overlays: readonly Overlay[] = [],
): string {
  const sentences = (of: MetricTable, lines: readonly Line[]): string =>
    lines.map((line) => describeLine(line, of.extent(line.key))).join(' ');
  const others = overlays.flatMap((overlay) => {
    const { letter, label, table: of } = overlay;
    const drawn = spec.lines.filter(({ key }) => isComparable(overlay, key));
    if (!drawn.some(({ key }) => of.extent(key))) return [];
    return ` Run ${letter}, ${label}: ${sentences(of, drawn)}`;
  });
  return `${spec.title} ${sentences(table, spec.lines)}${others.join('')}`;
}

function describeLine(line: Line, extent: Extent | undefined): string {
  if (!extent) return `${line.label}: no values yet.`;
  const at = (point: Point): string => `${line.format(point.value)} at step ${point.step}`;
  const { count, first, last, low, high } = extent;
  if (count === 1) return `${line.label}: ${at(first)}.`;
  return `${line.label}: from ${at(first)} to ${at(last)}; lowest ${at(low)}, highest ${at(high)}.`;
}

/** Indices of at most `rows` rows, evenly spread, the first and the last among them. */
export function spreadRows(length: number, rows: number): number[] {
  if (length <= rows) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: rows }, (_, i) => Math.round((i * (length - 1)) / (rows - 1)));
}
