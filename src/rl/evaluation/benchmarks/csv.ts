import { BenchmarkDataError } from './benchmark.ts';

/**
 * Rows of a CSV file (RFC 4180) by the names in its first line.
 * @param name of the file, and what its rows are, for the message
 * @throws BenchmarkDataError
 */
export function readCsv(text: string, name: string, rowsAre: string): Record<string, string>[] {
  const lines: string[][] = [[]];
  // A quoted cell, or one without quotes; then what ends it.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/gy;
  const body = text.replace(/^\uFEFF/, '');
  while (pattern.lastIndex < body.length) {
    const from = pattern.lastIndex;
    const found = pattern.exec(body);
    if (!found) {
      const line = body.slice(0, from).split('\n').length;
      throw new BenchmarkDataError(`${name}, line ${line} is not CSV; download the file again.`);
    }
    const [, quoted, plain = '', end] = found;
    lines.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',' && pattern.lastIndex < body.length) lines.push([]);
  }
  const [names = [], ...rows] = lines.filter((line) => line.length > 1 || line[0]);
  if (rows.length === 0) {
    throw new BenchmarkDataError(`${name} has no ${rowsAre}; download it again.`);
  }
  return rows.map((row) => Object.fromEntries(row.map((value, k) => [names[k] ?? '', value])));
}
