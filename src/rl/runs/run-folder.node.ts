/** A run's folder on disk. What is written is on the disk, not only on its way: power may fail. */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nodeFile } from '../../model/node-files.ts';
import type { RunFolder } from './run-folder.ts';
import { storageError } from './storage-error.ts';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

export function nodeRunFolder(root: string): RunFolder {
  const told = <T>(path: string, work: (file: string) => Promise<T>): Promise<T> => {
    const file = join(root, path);
    return work(file).catch((error: unknown) => {
      throw storageError(error, file);
    });
  };
  return {
    open: (path) => nodeFile(join(root, path)),
    write: (path, data) =>
      told(path, async (file) => {
        await makeFolder(dirname(file));
        // Written to another file and renamed, so that a reader never sees half of a file.
        const partial = `${file}${PARTIAL}`;
        try {
          await writeSynced(partial, constants.O_CREAT | constants.O_TRUNC, data);
          await rename(partial, file);
        } catch (error) {
          await rm(partial, { force: true }).catch(() => undefined);
          throw error;
        }
        await syncFolder(dirname(file));
      }),
    append: (path, text) => told(path, (file) => writeSynced(file, constants.O_APPEND, text)),
    list: (path) =>
      readdir(join(root, path)).then(
        (names) => names.sort(),
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return [];
          throw storageError(error, join(root, path));
        },
      ),
    remove: (path) => told(path, (file) => rm(file, { recursive: true, force: true })),
  };
}

/** The end of the name of a file that is being written. */
export const PARTIAL = '.partial';

/**
 * A folder with the folders above it.
 * @returns the first that was not there
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    // So says Node of a read-only disk. The first folder that is not there gets the true reason.
    let missing = resolve(path);
    while (!(await stat(dirname(missing)).catch(() => undefined))) missing = dirname(missing);
    await mkdir(missing);
    throw error;
  }
}

/** As `makeFolders`; the folders are there after a power cut, too. */
async function makeFolder(path: string): Promise<void> {
  const first = await makeFolders(path);
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let folder = resolve(path); folder !== top; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
  }
}

type Data = Parameters<RunFolder['write']>[1];

async function writeSynced(file: string, flags: number, data: Data): Promise<void> {
  const handle = await open(file, constants.O_WRONLY | flags);
  try {
    // Its types leave out that it takes a stream, piece by piece.
    await handle.writeFile(data as string);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** After this, a power cut does not bring back an old name. Some systems have no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync().catch((error: unknown) => {
      if (codeOf(error) !== 'EINVAL') throw error;
    });
  } finally {
    await handle.close();
  }
}
