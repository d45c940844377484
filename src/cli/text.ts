/** Text for a terminal. */
import type { Interval } from '../rl/evaluation/intervals.ts';

/** One table: a header, then rows. */
export type Table = (string | number)[][];

/** Rows of cells with aligned columns; numbers are aligned to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(text));
  const widths: number[] = [];
  for (const row of texts) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  }
  const isNumber = (cell: string): boolean => /^[-+]?[\d,.]+$/.test(cell);
  const lines = texts.map((row) =>
    row
      .map((cell, i) => (isNumber(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** People read six digits of a fraction. Files have all. */
const text = (cell: string | number): string =>
  typeof cell === 'string' || Number.isInteger(cell)
    ? String(cell)
    : String(Number(cell.toPrecision(Math.abs(cell) < 1e5 ? 6 : 12)));

/** An interval in three cells; empty cells if there is none. */
export function cells(of: Interval | undefined): (string | number)[] {
  return of ? [of.mean, of.low, of.high] : ['', '', ''];
}

/** The text on one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' ').trim());
}

/** Without the control characters that would change a terminal: texts of models and files may have them. */
export const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');

/** Comma-separated values (RFC 4180): cells with commas, quotes or line ends are quoted. */
export function csv(rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number): string => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}
