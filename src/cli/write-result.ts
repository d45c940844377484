/** Writes the file that an option --out names. */
import { realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { storageError } from '../rl/runs/storage-error.ts';

/**
 * A file is written as a whole or not at all; its folder is made. A device or a pipe, such as /dev/stdout, gets
 * the text.
 * @throws StorageError that names the file and says what to do
 */
export async function writeResult(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => undefined);
  if (!found || found.isFile() || found.isDirectory()) {
    return nodeRunFolder(dirname(target)).write(basename(target), text);
  }
  await writeFile(target, text).catch((error: unknown) => {
    throw storageError(error, path);
  });
}
