/** A run's folder in the origin private file system, for a worker or the page. */
import type { CheckpointFolder } from '../../model/files.ts';
import { directoryFolder } from '../../model/stored-models.ts';
import type { RunFolder } from './run-folder.ts';

const missing = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';

/** `fresh` empties the folder first. */
export async function browserRunFolder(name: string, fresh: boolean): Promise<RunFolder> {
  const top = await navigator.storage.getDirectory();
  const runs = await top.getDirectoryHandle('runs', { create: true });
  if (fresh) {
    await runs.removeEntry(name, { recursive: true }).catch((error: unknown) => {
      if (!missing(error)) throw error;
    });
  }
  const root = await runs.getDirectoryHandle(name, { create: true });

  const folderOf = async (path: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    let folder = root;
    for (const part of path.split('/').slice(0, -1)) {
      folder = await folder.getDirectoryHandle(part, { create });
    }
    return folder;
  };
  const leaf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const put = async (
    path: string,
    data: string | Uint8Array<ArrayBuffer>,
    keepExistingData: boolean,
  ): Promise<void> => {
    const folder = await folderOf(path, true);
    const file = await folder.getFileHandle(leaf(path), { create: true });
    const stream = await file.createWritable({ keepExistingData });
    if (keepExistingData) await stream.seek((await file.getFile()).size);
    await stream.write(data);
    await stream.close();
  };

  return {
    async read(path) {
      try {
        const folder = await folderOf(path, false);
        const file = await (await folder.getFileHandle(leaf(path))).getFile();
        return new Uint8Array(await file.arrayBuffer());
      } catch (error) {
        if (missing(error)) return undefined;
        throw error;
      }
    },
    write: (path, data) => put(path, data, false),
    append: (path, text) => put(path, text, true),
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
  };
}

/** A checkpoint of a run that can be read in pieces; `read` above returns whole files. */
export async function browserCheckpoint(run: string, step: number): Promise<CheckpointFolder> {
  let folder = await navigator.storage.getDirectory();
  for (const part of ['runs', run, 'checkpoints', `step-${step}`]) {
    folder = await folder.getDirectoryHandle(part);
  }
  return directoryFolder(folder, `step ${step} of the run`);
}
