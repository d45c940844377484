/** A checkpoint's folder on disk, in Node. */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from './errors.ts';
import type { CheckpointFolder, FileSource } from './files.ts';
import { openGgufFolder, orGguf } from './gguf-folder.ts';
import { downloadFirst, hubName } from './hub.ts';

/**
 * @param path of a folder, or of a GGUF file
 * @throws CheckpointError when there is no such folder
 */
export async function nodeFolder(path: string): Promise<CheckpointFolder> {
  const found = await statOf(path);
  if (found?.isFile() && path.endsWith('.gguf')) {
    const folder = dirname(path);
    const open = (file: string): Promise<FileSource | undefined> => nodeFile(join(folder, file));
    return openGgufFolder({ name: folder, open }, basename(path));
  }
  if (!found) throw new CheckpointError(await whyAbsent(path));
  if (!found.isDirectory()) {
    throw new CheckpointError(
      `${path} is a file; name a GGUF file, or the folder that holds config.json`,
    );
  }
  return orGguf({
    name: path,
    open: (file) => nodeFile(join(path, file)),
    list: () => readdir(path).catch(unreadable(path)),
  });
}

/** Below a folder that is there, a name is one of this machine. */
async function whyAbsent(path: string): Promise<string> {
  const name = hubName(path);
  if (name === undefined || (await statOf(dirname(path)))) {
    return `${path} does not exist; check the folder's name`;
  }
  return `${path} does not exist here, and ${downloadFirst(name, basename(name), 'give that folder')}`;
}

/** Node ends without an error at a read of 2 GiB or more. */
const MOST_AT_ONCE = 2 ** 30;

/** undefined when there is no such file. */
export async function nodeFile(path: string): Promise<FileSource | undefined> {
  const stats = await statOf(path);
  if (!stats?.isFile()) return undefined;
  const { size } = stats;
  return {
    path,
    size,
    async read(start = 0, end = size) {
      const handle = await open(path).catch(unreadable(path));
      try {
        const bytes = new Uint8Array(end - start);
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle
            .read(bytes, filled, Math.min(bytes.length - filled, MOST_AT_ONCE), start + filled)
            .catch(unreadable(path));
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await handle.close();
      }
    },
  };
}

async function statOf(path: string) {
  return stat(path).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return unreadable(path)(error);
  });
}

function unreadable(path: string) {
  return (error: unknown): never => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CheckpointError(`${path} was removed; check the folder`);
    const check = code === 'EIO' ? 'the disk' : 'its permissions';
    throw new CheckpointError(`${path} cannot be read (${code ?? message}); check ${check}`);
  };
}
