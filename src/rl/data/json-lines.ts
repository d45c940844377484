/** JSONL: one JSON object per line. */

export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

interface ReadLines<T> {
  rows: T[];
  /** Numbers of the lines that hold no row. */
  damaged: number[];
  /** Whether half a last row was left out. */
  cut: boolean;
}

/**
 * Of a file that a run wrote; what people bring is read with its line numbers (rows.ts). Half a last row
 * is left out: the run was killed while it wrote that row. After a power cut, zero bytes may stand in its
 * place.
 */
export function parseJsonLines<T extends object>(text: string): ReadLines<T> {
  const lines = text.replaceAll('\0', '').split('\n');
  const read: ReadLines<T> = { rows: [], damaged: [], cut: false };
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const row = jsonObject(line);
    if (row) read.rows.push(row as T);
    else if (i < lines.length - 1) read.damaged.push(i + 1);
    else read.cut = true;
  });
  return read;
}

/** undefined for a text that is not a JSON object. */
export function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
