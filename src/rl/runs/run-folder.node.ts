/** A run's folder on disk. */
import { appendFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

export function nodeRunFolder(root: string): RunFolder {
  const at = async (path: string): Promise<string> => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    return file;
  };
  return {
    async read(path) {
      try {
        return new Uint8Array(await readFile(join(root, path)));
      } catch (error) {
        if (missing(error)) return undefined;
        throw error;
      }
    },
    async write(path, data) {
      const file = await at(path);
      // Written to another file and renamed, so that a reader never sees half of a file.
      await writeFile(`${file}.partial`, data);
      await rename(`${file}.partial`, file);
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
  };
}
