/** The rows of one of TRL's files of completions. */
import type { FileSource } from '../../../model/files.ts';
import { parquetRows } from './parquet.ts';
import { promptOf, textOf, type Written } from './rows.ts';

type Row = Record<string, unknown>;

/** Columns that are no rewards where no metric names the rewards. */
const NO_REWARDS = ['step', 'prompt', 'completion', 'advantage'];

/**
 * @param names of the rewards in the logs; if the file has none of them, its columns of numbers are the rewards
 * @param weights of the rewards; 1 if they are unknown
 * @returns the rows; or, as a clause, why the file cannot be read
 */
export async function trlRows(
  source: FileSource,
  step: number,
  names: readonly string[],
  weights: readonly number[] | undefined,
): Promise<Written[] | string> {
  const rows = await parquetRows(source);
  if (typeof rows === 'string') return rows;
  // Of the logs of another run, no name may be a column.
  const logged = names.some((name) => name in (rows[0] ?? {})) ? names : [];
  const problem = problemOf(rows, logged);
  if (problem !== undefined) return problem;
  const columns = logged.length > 0 ? logged : numberColumns(rows);
  return rows.map((row) => writtenOf(row, step, columns, weights));
}

/** Why these are no completions with these rewards, as a clause. */
function problemOf(rows: readonly Row[], names: readonly string[]): string | undefined {
  if (rows.length === 0) return 'it has no rows';
  for (const name of ['prompt', 'completion']) {
    if (!rows.every((row) => typeof row[name] === 'string' || Array.isArray(row[name])))
      return `it has no column "${name}" with texts`;
  }
  for (const name of [...names, ...('advantage' in rows[0]! ? ['advantage'] : [])]) {
    if (!rows.every((row) => isNumberOrNone(row, name)))
      return `it has no column "${name}" with numbers`;
  }
  return undefined;
}

/** A function may have no reward for a completion. */
const isNumberOrNone = (row: Row, name: string): boolean =>
  name in row &&
  (row[name] === null || row[name] === undefined || numberIn(row[name]) !== undefined);

const numberColumns = (rows: readonly Row[]): string[] =>
  Object.keys(rows[0]!).filter(
    (name) => !NO_REWARDS.includes(name) && rows.some((row) => numberIn(row[name]) !== undefined),
  );

/** Whole numbers may come as bigint. */
function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

function writtenOf(
  row: Row,
  step: number,
  names: readonly string[],
  weights: readonly number[] | undefined,
): Written {
  const rewards: Record<string, number> = {};
  let reward = 0;
  names.forEach((name, i) => {
    const value = numberIn(row[name]) ?? NaN;
    if (!Number.isFinite(value)) return;
    rewards[name] = value;
    reward += (weights?.[i] ?? 1) * value;
  });
  return {
    ...{ step, rewards, reward },
    prompt: promptOf(row['prompt']),
    completion: textOf(row['completion']),
    advantage: numberIn(row['advantage']) ?? 0,
  };
}
