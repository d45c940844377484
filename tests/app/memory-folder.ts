import { blobSource } from '../../src/model/files.ts';
import type { RunFolder } from '../../src/rl/runs/run-folder.ts';

/** A run's folder in memory. `files` has the contents by path. */
export function memoryFolder(): RunFolder & { files: Map<string, Blob> } {
  const files = new Map<string, Blob>();
  const inside = (path: string): string[] =>
    [...files.keys()].filter((file) => path === '' || file.startsWith(`${path}/`));
  return {
    files,
    open: (path) => {
      const blob = files.get(path);
      return Promise.resolve(blob && blobSource(path, blob));
    },
    async write(path, data) {
      const pieces: BlobPart[] = [];
      if (typeof data === 'string' || data instanceof Uint8Array) pieces.push(data);
      else for await (const piece of data) pieces.push(piece.slice());
      files.set(path, new Blob(pieces));
    },
    append(path, text) {
      const before = files.get(path);
      if (!before) return Promise.reject(new Error(`${path} was removed`));
      files.set(path, new Blob([before, text]));
      return Promise.resolve();
    },
    list(path) {
      const from = path === '' ? 0 : path.length + 1;
      const names = inside(path).map((file) => file.slice(from).split('/')[0]!);
      return Promise.resolve([...new Set(names)].sort());
    },
    remove(path) {
      for (const file of [path, ...inside(path)]) files.delete(file);
      return Promise.resolve();
    },
  };
}
