/** Whether two models are the same, byte for byte. */
import type { FileSource } from './files.ts';
import type { Streamed } from './stored-models.ts';

/**
 * Reads up to the first difference.
 * @param files by their paths in the model's folder
 * @param stored their paths begin with the name of the model
 */
export async function areSameFiles(
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
