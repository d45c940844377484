/** JSONL: one JSON object per line. */

export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/**
 * Of a file that a run wrote; what people bring is read with its line numbers (rows.ts). A last line
 * without its line break is left out: the run was killed while it wrote that line.
 */
export function parseJsonLines<T>(text: string): T[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
