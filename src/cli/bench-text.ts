/** A measurement as text for a terminal. */
import type { Measurement } from '../app/measure/measurement.ts';
import { kernelTable, resultTables, summaryLines } from '../app/measure/tables.ts';
import { table } from './text.ts';

export function benchText(measurement: Measurement): string {
  const results = resultTables(measurement).map(
    ({ title, header, rows, notes }) =>
      `${title}\n${table([header, ...rows])}${notes.map((note) => `${note}\n`).join('')}`,
  );
  const kernels = measurement.rows
    .filter((row) => row.kernels)
    .map((row) => {
      const { header, rows } = kernelTable(row);
      return `GPU time of ${row.name}\n${table([header, ...rows])}`;
    });
  return [`${summaryLines(measurement).join('\n')}\n`, ...results, ...kernels].join('\n');
}
