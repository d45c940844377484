/** Writes an export as one .zip to download, or into a folder that the visitor picked. */
import { makeZip } from 'client-zip';
import type { ExportFile } from '../rl/runs/export.ts';

export interface WriteOptions {
  /** Share of the bytes that are written, 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** The last zip stays in this folder: the download reads it from disk, so it never has to be in memory. */
const FOLDER = 'exports';

/**
 * Writes NAME.zip with all files under a folder NAME, uncompressed, because weights do not get much smaller.
 * @returns a file on disk
 */
export async function writeZip(
  name: string,
  files: readonly ExportFile[],
  { onProgress, signal }: WriteOptions,
): Promise<File> {
  const top = await navigator.storage.getDirectory();
  await top.removeEntry(FOLDER, { recursive: true }).catch(() => undefined);
  const folder = await top.getDirectoryHandle(FOLDER, { create: true });
  const handle = await folder.getFileHandle(`${name}.zip`, { create: true });
  const count = counter(files, onProgress);
  const zip = makeZip(
    files.map(({ path, size, pieces }) => ({
      name: `${name}/${path}`,
      size,
      input: counted(pieces(), count),
    })),
  );
  await zip.pipeTo(await handle.createWritable(), { signal });
  return handle.getFile();
}

/** Writes the same files to a folder `name` inside `parent`. */
export async function writeFolder(
  parent: FileSystemDirectoryHandle,
  name: string,
  files: readonly ExportFile[],
  { onProgress, signal }: WriteOptions,
): Promise<void> {
  const count = counter(files, onProgress);
  for (const { path, pieces } of files) {
    let folder = await parent.getDirectoryHandle(name, { create: true });
    const parts = path.split('/');
    for (const part of parts.slice(0, -1)) {
      folder = await folder.getDirectoryHandle(part, { create: true });
    }
    const file = await folder.getFileHandle(parts.at(-1)!, { create: true });
    const writable = await file.createWritable();
    try {
      for await (const piece of counted(pieces(), count)) {
        signal.throwIfAborted();
        await writable.write(piece);
      }
      await writable.close();
    } catch (error) {
      await writable.abort();
      throw error;
    }
  }
}

function counter(
  files: readonly ExportFile[],
  onProgress: (share: number) => void,
): (bytes: number) => void {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  return (bytes) => {
    done += bytes;
    onProgress(done / total);
  };
}

async function* counted<T extends Uint8Array>(
  pieces: AsyncIterable<T>,
  count: (bytes: number) => void,
): AsyncGenerator<T> {
  for await (const piece of pieces) {
    yield piece;
    count(piece.byteLength);
  }
}
