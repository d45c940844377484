/** The folder of all runs in the origin private file system, for a worker or the page. */
import { basename, blobSource } from '../../model/files.ts';
import type { RunFolder } from './run-folder.ts';
import { storageError } from './storage-error.ts';

type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>> | [string | Uint8Array<ArrayBuffer>];

/** There is no such entry, or it is a folder where a file is asked for, or the other way round. */
const missing = (error: unknown): boolean =>
  error instanceof DOMException && ['NotFoundError', 'TypeMismatchError'].includes(error.name);

/** Each folder inside is a run. @throws DOMException where the browser stores nothing */
export async function browserRuns(): Promise<RunFolder> {
  const top = await navigator.storage.getDirectory();
  const root = await top.getDirectoryHandle('runs', { create: true });

  const folderOf = async (path: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    let folder = root;
    for (const part of path.split('/').slice(0, -1).filter(Boolean)) {
      folder = await folder.getDirectoryHandle(part, { create });
    }
    return folder;
  };
  /** The file appears when all of it is written. */
  const put = async (path: string, pieces: Pieces, keepExistingData: boolean): Promise<void> => {
    const create = !keepExistingData;
    const folder = await folderOf(path, create);
    const file = await folder.getFileHandle(basename(path), { create });
    const stream = await file.createWritable({ keepExistingData });
    try {
      if (keepExistingData) await stream.seek((await file.getFile()).size);
      for await (const piece of pieces) await stream.write(piece);
      await stream.close();
    } catch (error) {
      // If closing fails too, the first error is the one to report.
      await stream.abort().catch(() => undefined);
      const { size } = await file.getFile().catch(() => ({ size: 0 }));
      if (size === 0) await folder.removeEntry(basename(path)).catch(() => undefined);
      throw error;
    }
  };
  const told = <T>(path: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw storageError(error, path);
    });

  return {
    async open(path) {
      try {
        const folder = await folderOf(path, false);
        const file = await folder.getFileHandle(basename(path));
        return blobSource(path, await file.getFile());
      } catch (error) {
        if (missing(error)) return undefined;
        throw error;
      }
    },
    write: (path, data) => {
      const isWhole = typeof data === 'string' || data instanceof Uint8Array;
      return told(path, put(path, isWhole ? [data] : data, false));
    },
    append: (path, text) => told(path, put(path, [text], true)),
    async list(path) {
      try {
        const folder = await folderOf(`${path}/.`, false);
        const names: string[] = [];
        for await (const entry of folder.keys()) names.push(entry);
        return names.sort();
      } catch (error) {
        if (missing(error)) return [];
        throw error;
      }
    },
    async remove(path) {
      try {
        await (await folderOf(path, false)).removeEntry(basename(path), { recursive: true });
      } catch (error) {
        if (!missing(error)) throw error;
      }
    },
  };
}
