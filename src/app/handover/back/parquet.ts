/** Reads a .parquet file whole. */
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { snappyUncompress } from 'hysnappy';
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
  const bytes = await source.read();
  // The index of the columns stands at the end: half a file has none.
  if (new TextDecoder().decode(bytes.slice(-MAGIC.length)) !== MAGIC) return 'its end is missing';
  const file = {
    byteLength: size,
    slice: (from: number, to = size) => {
      // A damaged index may name any number of bytes, and Node ends at a slice of that many.
      if (!(from >= 0 && from <= to && to <= size)) throw new Error('its index is wrong');
      return bytes.slice(from, to).buffer;
    },
  };
  try {
    const metadata = await parquetMetadataAsync(file);
    const known = new Set(leafPaths(parquetSchema(metadata)));
    const columns = metadata.row_groups.flatMap((group) => group.columns);
    // hyparquet looks for a column while others are read already; if that fails, nobody catches their errors.
    if (!columns.every(({ meta_data }) => known.has(String(meta_data?.path_in_schema))))
      return 'its index is wrong';
    const codecs = columns.flatMap(({ meta_data }) => meta_data?.codec ?? []);
    const foreign = codecs.find((codec) => !['UNCOMPRESSED', 'SNAPPY'].includes(codec));
    if (foreign) return `it is compressed by ${foreign}; write it with Snappy`;
    return await parquetReadObjects({ file, metadata, compressors: { SNAPPY: uncompress } });
  } catch (error) {
    // An error of the language says nothing about the file.
    const isOwn = error instanceof Error && error.constructor === Error;
    return isOwn ? `it is damaged (${messageOf(error)})` : 'it is damaged';
  }
}

/** hyparquet's own reader of Snappy counts for 12 s if a length is damaged. */
function uncompress(page: Uint8Array, length: number): Uint8Array {
  // Snappy makes at most 64 bytes of 3.
  if (length > 22 * page.length) throw new Error('a page has a wrong length');
  return snappyUncompress(page, length);
}

function leafPaths({ children, path }: SchemaTree): string[] {
  return children.length === 0 ? [String(path)] : children.flatMap(leafPaths);
}
