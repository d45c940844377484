/** JSONL: one JSON object per line. */

export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Of a file that a run wrote; what people bring is read with its line numbers (rows.ts). */
export function parseJsonLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
