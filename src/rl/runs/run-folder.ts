/**
 * Where a run keeps what it made: a directory in Node, the origin private file system in a browser.
 * Paths are relative, with forward slashes; folders appear as they are written to.
 */
import type { CheckpointFolder, FileContents, FileSource } from '../../model/files.ts';

export { readText } from '../../model/files.ts';

export interface RunFolder {
  /** undefined when there is no such file. */
  open(path: string): Promise<FileSource | undefined>;
  /** A file is there when all of it is: one that fails leaves what was there before. */
  write(path: string, data: FileContents): Promise<void>;
  append(path: string, text: string): Promise<void>;
  /** Names in a folder; none when there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Removes a file, or a folder with all that is in it, where there is one. */
  remove(path: string): Promise<void>;
}

/** Keeps nothing: for a run where there is nowhere to keep it. */
export const nowhere: RunFolder = {
  open: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  append: () => Promise.resolve(),
  list: () => Promise.resolve([]),
  remove: () => Promise.resolve(),
};

export const checkpointPath = (step: number): string => `checkpoints/step-${step}`;

/** Written last and removed first: a checkpoint counts while it is there. */
export const TRAINER_STATE = 'trainer_state.json';

/** Steps that a run has a checkpoint of, or part of one, the latest first. */
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
 * Removes all checkpoints but the last complete ones, as transformers does by save_total_limit; also
 * what is left of one that was being written or removed when the run was killed.
 * @param limit how many stay, at least 1
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

/** A folder inside a run's, as a model folder. */
export function modelFolder(folder: RunFolder, path: string): CheckpointFolder {
  return {
    name: path,
    open: (file) => folder.open(`${path}/${file}`),
    list: () => folder.list(path),
  };
}

export const runCheckpoint = (folder: RunFolder, step: number): CheckpointFolder =>
  modelFolder(folder, checkpointPath(step));
