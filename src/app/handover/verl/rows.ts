/** Prompts as verl's data set reads them: a parquet file with its five columns. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Row } from '../../../rl/data/rows.ts';
import { inMemory, type ExportFile } from '../../../rl/runs/export.ts';

type Schema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>;

const text = (name: string): Schema[number] => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'REQUIRED',
});
const struct = (name: string, children: number): Schema[number] => ({
  name,
  num_children: children,
  repetition_type: 'REQUIRED',
});

const SCHEMA: Schema = [
  { name: 'root', num_children: 5 },
  text('data_source'),
  { ...struct('prompt', 1), converted_type: 'LIST' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  struct('element', 2),
  text('role'),
  text('content'),
  text('ability'),
  struct('reward_model', 2),
  text('style'),
  text('ground_truth'),
  struct('extra_info', 3),
  { name: 'index', type: 'INT32', repetition_type: 'REQUIRED' },
  text('turns'),
  text('row'),
];

/** @param rows with prompt (a text), turns and row, as handoverRows gives them */
export function parquet(path: string, source: string, rows: readonly Row[]): ExportFile {
  const column = (name: string, value: (row: Row, index: number) => unknown) => ({
    name,
    data: rows.map(value),
  });
  const buffer = parquetWriteBuffer({
    schema: SCHEMA,
    columnData: [
      column('data_source', () => source),
      // The chat template of train.sh gives out this content and adds nothing.
      column('prompt', ({ prompt }) => [{ role: 'user', content: prompt }]),
      column('ability', () => 'chat'),
      column('reward_model', () => ({ style: 'model', ground_truth: '' })),
      column('extra_info', ({ turns, row }, index) => ({
        index,
        turns: JSON.stringify(turns),
        row,
      })),
    ],
  });
  return inMemory(path, new Uint8Array(buffer));
}
