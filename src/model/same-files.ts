/** Whether two models are the same, byte for byte, and a name for a model that differs from those stored. */
import type { FileSource } from './files.ts';
import type { Streamed } from './stored-models.ts';

/**
 * Reads up to the first difference.
 * @param files by their paths in the model's folder
 * @param stored their paths begin with the name of the model
 */
async function areSameFiles(
  files: ReadonlyMap<string, Streamed>,
  stored: readonly FileSource[],
): Promise<boolean> {
  const pairs = stored.map((source) => {
    const file = files.get(source.path.slice(source.path.indexOf('/') + 1));
    return { file, source };
  });
  if (files.size !== stored.length) return false;
  if (pairs.some(({ file, source }) => file?.size !== source.size)) return false;
  for (const { file, source } of pairs) {
    if (!(await isSame(file!, source))) return false;
  }
  return true;
}

/**
 * The first of NAME, NAME-2, NAME-3 and so on under which no other model lies.
 * @param storedAs the files of the model of a name; undefined if there is none
 * @returns the name, and whether these very files lie there already
 */
export async function freeName(
  name: string,
  files: ReadonlyMap<string, Streamed>,
  storedAs: (name: string) => Promise<readonly FileSource[] | undefined>,
): Promise<{ name: string; isThere: boolean }> {
  for (let i = 1; ; i++) {
    const free = i === 1 ? name : `${name}-${i}`;
    const there = await storedAs(free);
    if (!there) return { name: free, isThere: false };
    if (await areSameFiles(files, there)) return { name: free, isThere: true };
  }
}

async function isSame(file: Streamed, source: FileSource): Promise<boolean> {
  const reader = file.stream().getReader();
  try {
    for (let at = 0; ;) {
      const { done, value } = await reader.read();
      if (done) return true;
      const end = at + value.length;
      const there = await source.read(at, end);
      for (let i = 0; i < value.length; i++) if (value[i] !== there[i]) return false;
      at = end;
    }
  } finally {
    await reader.cancel();
  }
}
