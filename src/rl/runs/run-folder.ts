/**
 * The place of a run's files: a folder in Node, the origin private file system in a browser. Paths are
 * relative, with forward slashes; writing a file creates its folders.
 */
import type { CheckpointFolder, FileContents, FileSource } from '../../model/files.ts';

export { readText } from '../../model/files.ts';

export interface RunFolder {
  /** undefined if there is no such file. */
  open(path: string): Promise<FileSource | undefined>;
  /** Replaces the file when all of `data` is written; a write that fails leaves the old file. */
  write(path: string, data: FileContents): Promise<void>;
  append(path: string, text: string): Promise<void>;
  /** Names in a folder, '' for this one; none if there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Removes a file or a folder with its contents, '' for this one, if there is one. */
  remove(path: string): Promise<void>;
}

/** A folder inside a folder, such as one of the runs that a browser stores. */
export function within(parent: RunFolder, name: string): RunFolder {
  const at = (path: string): string => (path === '' ? name : `${name}/${path}`);
  return {
    open: (path) => parent.open(at(path)),
    write: (path, data) => parent.write(at(path), data),
    append: (path, text) => parent.append(at(path), text),
    list: (path) => parent.list(at(path)),
    remove: (path) => parent.remove(at(path)),
  };
}

/** Stores nothing: for a run that cannot be stored. */
export const nowhere: RunFolder = {
  open: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  append: () => Promise.resolve(),
  list: () => Promise.resolve([]),
  remove: () => Promise.resolve(),
};

export const checkpointPath = (step: number): string => `checkpoints/step-${step}`;

/** Written last and removed first: a checkpoint is complete while this file exists. */
export const TRAINER_STATE = 'trainer_state.json';

/** Steps with a checkpoint, complete or not, the latest first. */
async function checkpointSteps(folder: RunFolder): Promise<number[]> {
  return (await folder.list('checkpoints'))
    .map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => b - a);
}

async function isComplete(folder: RunFolder, step: number): Promise<boolean> {
  const state = await folder.open(`${checkpointPath(step)}/${TRAINER_STATE}`);
  // A tab that is closed while it writes may leave an empty file.
  return state !== undefined && state.size > 0;
}

/** Step of the last complete checkpoint of a run. */
export async function lastCheckpoint(folder: RunFolder): Promise<number | undefined> {
  for (const step of await checkpointSteps(folder)) {
    if (await isComplete(folder, step)) return step;
  }
  return undefined;
}

/**
 * Removes all checkpoints except the last complete ones, as transformers does for save_total_limit, and
 * the incomplete ones that a killed run left.
 * @param limit number of checkpoints to keep, at least 1
 */
export async function removeOldCheckpoints(folder: RunFolder, limit: number): Promise<void> {
  let kept = 0;
  for (const step of await checkpointSteps(folder)) {
    if (kept < limit && (await isComplete(folder, step))) {
      kept++;
      continue;
    }
    await folder.remove(`${checkpointPath(step)}/${TRAINER_STATE}`);
    await folder.remove(checkpointPath(step));
  }
}

/** A folder of the run, as a model folder. */
export function modelFolder(folder: RunFolder, path: string): CheckpointFolder {
  return {
    name: path,
    open: (file) => folder.open(`${path}/${file}`),
    list: () => folder.list(path),
  };
}

export const runCheckpoint = (folder: RunFolder, step: number): CheckpointFolder =>
  modelFolder(folder, checkpointPath(step));
