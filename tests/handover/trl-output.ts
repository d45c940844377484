/** The outputs of TRL that make_output.py made. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blobSource, type FileSource } from '../../src/model/files.ts';

export const OUTPUT = 'tests/handover/trl-output';

/** As they are dropped on the page, with the name of their folder. */
export async function filesIn(name: string, top = ''): Promise<Map<string, FileSource>> {
  const paths = await readdir(join(OUTPUT, name), { recursive: true, withFileTypes: true });
  const files = paths.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name: file }) => {
        const path = join(parentPath, file).slice(OUTPUT.length + name.length + 2);
        const source = blobSource(path, new Blob([await readFile(join(OUTPUT, name, path))]));
        return [top + path, source] as const;
      }),
    ),
  );
}
