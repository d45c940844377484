/** Writes an export, whole or not at all. */
import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportFile } from '../rl/runs/export.ts';
import { makeFolders, PARTIAL } from '../rl/runs/run-folder.node.ts';
import { refuseIfFull } from './room.ts';

/**
 * The files are in the folder when all of them are written: nobody takes half of an export for a model.
 * @param out is new, or has nothing but what an export left that was killed
 * @throws what reading or writing throws; none of the files is left then
 */
export async function writeWhole(out: string, files: readonly ExportFile[]): Promise<void> {
  const isNew = (await makeFolders(out)) !== undefined;
  const partial = join(out, PARTIAL);
  const moved: string[] = [];
  try {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    await refuseIfFull(out, bytes, 'free some space, or choose a folder on another disk');
    // An export that was killed leaves files there that are none of these.
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    for (const { path, pieces } of files) {
      await mkdir(dirname(join(partial, path)), { recursive: true });
      const handle = await open(join(partial, path), 'w');
      try {
        // Its types leave out that it takes a stream, piece by piece.
        await handle.writeFile(pieces() as unknown as string);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    // The config comes first in the list, and last into the folder.
    const entries = new Set(files.map(({ path }) => path.split('/', 1)[0]!));
    for (const name of [...entries].toReversed()) {
      await rename(join(partial, name), join(out, name));
      moved.push(join(out, name));
    }
    await rmdir(partial);
  } catch (error) {
    const left = isNew ? [out] : [partial, ...moved];
    await Promise.allSettled(left.map((path) => rm(path, { recursive: true, force: true })));
    throw error;
  }
}
