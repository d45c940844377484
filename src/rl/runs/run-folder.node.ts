/** A run's folder on disk. */
import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodeFile } from '../../model/node-files.ts';
import type { RunFolder } from './run-folder.ts';

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

export function nodeRunFolder(root: string): RunFolder {
  const at = async (path: string): Promise<string> => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    return file;
  };
  return {
    open: (path) => nodeFile(join(root, path)),
    async write(path, data) {
      const file = await at(path);
      // Written to another file and renamed, so that a reader never sees half of a file.
      const partial = `${file}.partial`;
      try {
        await writeFile(partial, data);
        await rename(partial, file);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
    async append(path, text) {
      await appendFile(await at(path), text);
    },
    async list(path) {
      try {
        return (await readdir(join(root, path))).sort();
      } catch (error) {
        if (missing(error)) return [];
        throw error;
      }
    },
    remove: (path) => rm(join(root, path), { recursive: true, force: true }),
  };
}
