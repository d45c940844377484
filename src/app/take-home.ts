/** Writes an export as one file to download, or into a folder that the visitor picked. */
import { makeZip } from 'client-zip';
import type { ExportFile } from '../rl/runs/export.ts';
import { storageError } from '../rl/runs/storage-error.ts';

interface WriteOptions {
  /** Share of the bytes that are written, 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** The last download stays in this folder: it is read from disk, so it never has to be in memory. */
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
  const count = counter(files, onProgress);
  const zip = makeZip(
    files.map(({ path, size, pieces }) => ({
      name: `${name}/${path}`,
      size,
      input: counted(pieces(), count),
    })),
  );
  return writeDownload(`${name}.zip`, (writable) => zip.pipeTo(writable, { signal }));
}

/** Writes one file, as it is, under another name. @returns a file on disk */
export async function writeOne(
  name: string,
  file: ExportFile,
  { onProgress, signal }: WriteOptions,
): Promise<File> {
  const pieces = counted(file.pieces(), counter([file], onProgress));
  return writeDownload(name, (writable) => writeFile(writable, pieces, signal));
}

async function writeDownload(
  name: string,
  write: (writable: FileSystemWritableFileStream) => Promise<void>,
): Promise<File> {
  const top = await navigator.storage.getDirectory();
  await top.removeEntry(FOLDER, { recursive: true }).catch(() => undefined);
  const folder = await top.getDirectoryHandle(FOLDER, { create: true });
  const handle = await folder.getFileHandle(name, { create: true });
  try {
    await write(await handle.createWritable());
  } catch (error) {
    // Half of a file takes room that the next one needs.
    await top.removeEntry(FOLDER, { recursive: true }).catch(() => undefined);
    throw storageError(error, name);
  }
  return handle.getFile();
}

/** Writes the same files to a folder `name` inside `parent`. If that fails, none of them stays. */
export async function writeFolder(
  parent: FileSystemDirectoryHandle,
  name: string,
  files: readonly ExportFile[],
  { onProgress, signal }: WriteOptions,
): Promise<void> {
  const count = counter(files, onProgress);
  const isNew = await parent.getDirectoryHandle(name).then(
    () => false,
    () => true,
  );
  const done: [FileSystemDirectoryHandle, string][] = [];
  try {
    for (const { path, pieces } of files) {
      let folder = await parent.getDirectoryHandle(name, { create: true });
      const parts = path.split('/');
      for (const part of parts.slice(0, -1)) {
        folder = await folder.getDirectoryHandle(part, { create: true });
      }
      done.push([folder, parts.at(-1)!]);
      const file = await folder.getFileHandle(parts.at(-1)!, { create: true });
      await writeFile(await file.createWritable(), counted(pieces(), count), signal);
    }
  } catch (error) {
    const gone = isNew
      ? [parent.removeEntry(name, { recursive: true })]
      : done.map(([folder, file]) => folder.removeEntry(file));
    await Promise.allSettled(gone);
    throw storageError(error, name);
  }
}

async function writeFile(
  writable: FileSystemWritableFileStream,
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      await writable.write(piece);
    }
    await writable.close();
  } catch (error) {
    // If this fails too, the first error is the one to report.
    await writable.abort().catch(() => undefined);
    throw error;
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
