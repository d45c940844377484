/** Reads a .parquet file whole. */
import { parquetReadObjects } from 'hyparquet';
import { messageOf } from '../../message-of.ts';
import type { FileSource } from '../../../model/files.ts';

const MAGIC = 'PAR1';

/**
 * @returns the rows; or, as a clause, why the file cannot be read: it is damaged, or compressed by something
 *   other than Snappy
 */
export async function parquetRows(source: FileSource): Promise<Record<string, unknown>[] | string> {
  const { size } = source;
  if (size === 0) return 'it is empty';
  // The index of the columns stands at the end: half a file has none.
  const end = await source.read(Math.max(0, size - MAGIC.length), size);
  if (new TextDecoder().decode(end) !== MAGIC) return 'its end is missing';
  const file = {
    byteLength: size,
    slice: async (from: number, to = size) => {
      // A damaged index may name any number of bytes, and Node ends at a slice of that many.
      if (!(from >= 0 && from <= to && to <= size)) throw new Error('its index is wrong');
      return (await source.read(from, to)).buffer;
    },
  };
  return parquetReadObjects({ file }).catch((error: unknown) => messageOf(error));
}
