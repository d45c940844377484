/**
 * The place of a run's files: a folder in Node, the origin private file system in a browser. Paths are
 * relative, with forward slashes; writing a file creates its folders. What cannot be written is a
 * StorageError.
 */
import type { FileContents, FileSource } from '../../model/files.ts';

export { readText } from '../../model/files.ts';

/** Folders of a run with rows of a step in each file, `step-N.jsonl`. */
export const ROW_FOLDERS = ['completions', 'followed', 'evaluations'] as const;

export interface RunFolder {
  /** undefined if there is no such file. */
  open(path: string): Promise<FileSource | undefined>;
  /**
   * Replaces the file when all of `data` is written, and the disk has it; a write that fails leaves the
   * old file.
   */
  write(path: string, data: FileContents): Promise<void>;
  /** The file must be there: if somebody removed it, the rows before these are lost. */
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
