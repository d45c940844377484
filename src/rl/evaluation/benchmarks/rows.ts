/** Helpers that the benchmarks share: rows of JSON from a file, and a mean with its interval. */
import { parseBounded } from '../../../model/json.ts';
import { bootstrap, type BootstrapOptions } from '../intervals.ts';
import { mean } from '../../statistics.ts';
import { BenchmarkDataError, type ScoreRow } from './benchmark.ts';

export type JsonRow = Readonly<Record<string, unknown>>;

/**
 * The objects of a JSONL file, or of one JSON array.
 * @param name of the file, for the message
 * @throws BenchmarkDataError
 */
export function jsonRows(text: string, name: string): JsonRow[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) return [...rowsOfLines(trimmed.split(/\r\n|\n|\r/), name)];
  const rows = listOf(parseBounded(trimmed), name);
  if (rows.length === 0) throw empty(name);
  return rows.map((row, i) => asRow(row, `${name}, row ${i + 1}`));
}

/** The objects of JSONL, one after the other. @throws BenchmarkDataError, also if there are none */
export function* rowsOfLines(lines: Iterable<string>, name: string): Generator<JsonRow> {
  let count = 0;
  for (const line of lines) {
    if (line.trim()) yield asRow(parseBounded(line.trim()), `${name}, row ${++count}`);
  }
  if (count === 0) throw empty(name);
}

const empty = (name: string): BenchmarkDataError =>
  new BenchmarkDataError(`${name} is empty; download it again.`);

/** @throws BenchmarkDataError if the value is no object */
export function asRow(value: unknown, place: string): JsonRow {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonRow;
  throw new BenchmarkDataError(`${place} is not a JSON object; download the file again.`);
}

function listOf(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new BenchmarkDataError(`${name} is not JSON; download it again.`);
}

/** A field with a list of objects. @throws BenchmarkDataError */
export function rowsField(row: JsonRow, field: string, place: string): JsonRow[] {
  const value = row[field];
  if (Array.isArray(value))
    return value.map((one) => asRow(one, `${place}: an entry of "${field}"`));
  throw new BenchmarkDataError(
    `${place} has no list "${field}"; check that it is the file of this benchmark.`,
  );
}

/** A text field of a row. @throws BenchmarkDataError */
export function textField(row: JsonRow, field: string, place: string): string {
  const value = row[field];
  if (typeof value === 'string') return value;
  throw new BenchmarkDataError(
    `${place} has no text "${field}"; check that it is the file of this benchmark.`,
  );
}

/**
 * A row of the table: the mean of the values times `scale`, and its 95% bootstrap interval over
 * questions. All values of a question (its repeats) are drawn together.
 */
export function meanRow(
  name: string,
  values: readonly { question: string; value: number }[],
  scale = 1,
  options: BootstrapOptions = {},
): ScoreRow {
  const byQuestion = new Map<string, number[]>();
  for (const { question, value } of values) {
    byQuestion.set(question, [...(byQuestion.get(question) ?? []), value]);
  }
  const groups = [...byQuestion.values()];
  const statistic = (drawn: readonly number[]): number =>
    scale * mean(drawn.flatMap((i) => groups[i]!));
  return { name, ...bootstrap(groups.length, statistic, options), count: groups.length };
}
