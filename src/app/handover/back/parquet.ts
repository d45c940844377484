/** Reads a .parquet file whole. */
import { parquetReadObjects } from 'hyparquet';
import { messageOf } from '../../message-of.ts';
import type { FileSource } from '../../../model/files.ts';
import { ReturnError } from './returned.ts';

/** @throws ReturnError if the file is damaged, or compressed by something other than Snappy */
export async function parquetRows(source: FileSource): Promise<Record<string, unknown>[]> {
  const file = {
    byteLength: source.size,
    slice: async (start: number, end?: number) => (await source.read(start, end)).buffer,
  };
  return parquetReadObjects({ file }).catch((error: unknown) => {
    throw new ReturnError(
      `${source.path} cannot be read (${messageOf(error)}); copy the folder again.`,
    );
  });
}
