/**
 * The place of a run's files: a folder in Node, the origin private file system in a browser. Paths are
 * relative, with forward slashes; writing a file creates its folders.
 */
import { blobSource, type CheckpointFolder } from '../../model/files.ts';

export interface RunFolder {
  /** undefined if there is no such file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(path: string, data: string | Uint8Array<ArrayBuffer>): Promise<void>;
  append(path: string, text: string): Promise<void>;
  /** Names in a folder; none if there is no such folder. */
  list(path: string): Promise<string[]>;
}

/** Stores nothing: for a run that cannot be stored. */
export const nowhere: RunFolder = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  append: () => Promise.resolve(),
  list: () => Promise.resolve([]),
};

export async function readText(folder: RunFolder, path: string): Promise<string | undefined> {
  const bytes = await folder.read(path);
  return bytes && new TextDecoder().decode(bytes);
}

/** Step of the last complete checkpoint of a run: its trainer_state.json is written last. */
export async function lastCheckpoint(folder: RunFolder): Promise<number | undefined> {
  const steps = (await folder.list('checkpoints'))
    .map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => b - a);
  for (const step of steps) {
    if (await folder.read(`checkpoints/step-${step}/trainer_state.json`)) return step;
  }
  return undefined;
}

/** A checkpoint of a run, as a model folder. */
export function runCheckpoint(folder: RunFolder, step: number): CheckpointFolder {
  const name = `checkpoints/step-${step}`;
  return {
    name,
    async open(file) {
      const bytes = await folder.read(`${name}/${file}`);
      return bytes && blobSource(`${name}/${file}`, new Blob([bytes]));
    },
  };
}
