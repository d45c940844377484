/** Small values that the next process finds, in one JSON file. A cache: it may be lost, or read-only. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Notes } from './tuning.ts';

export function nodeNotes(file: URL): Notes {
  const path = fileURLToPath(file);
  const read = async (): Promise<Record<string, unknown>> => {
    try {
      const content: unknown = JSON.parse(await readFile(path, 'utf8'));
      return { ...(content as Record<string, unknown>) };
    } catch {
      return {};
    }
  };
  return {
    recall: async (name) => (await read())[name],
    remember: async (name, value) => {
      const content = JSON.stringify({ ...(await read()), [name]: value }, undefined, 2);
      // Another process sees the old file or the new one, never a part.
      const part = `${path}.${process.pid}`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(part, content);
        await rename(part, path);
      } catch {
        // An install that is read-only remembers nothing.
      }
    },
  };
}
