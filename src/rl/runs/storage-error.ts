/** A file of a run that cannot be written, in a sentence with the file and what to do. */

export class StorageError extends Error {
  override name = 'StorageError';
}

const ROOM = 'free some space, then go on';
const RIGHTS = 'you may not write there; change the permissions of the folder, or name another';
const REFUSED = 'the browser does not allow it; allow this page to store data, and reload it';
const A_FILE = 'there is a file where a folder must be; move it away, or name another folder';
const A_FOLDER = 'there is a folder where the file must be; move that folder away';

/** By the codes of Node and the names of a browser's DOMException. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: `the disk is full; ${ROOM}`,
  EDQUOT: `your share of the disk is full; ${ROOM}`,
  EFBIG: `the disk takes no file of this size; ${ROOM}, or name a folder on another disk`,
  QuotaExceededError:
    'this browser has no room left; delete runs or models that you do not need, then go on',
  EACCES: RIGHTS,
  EPERM: RIGHTS,
  NotAllowedError: REFUSED,
  SecurityError: REFUSED,
  EROFS: 'the disk is read-only; name a folder on another disk',
  ENOTDIR: A_FILE,
  EEXIST: A_FILE,
  EISDIR: A_FOLDER,
  ENOTEMPTY: A_FOLDER,
  TypeMismatchError: 'there is a folder where the file must be; delete the run',
  ENOENT: 'it was removed while the run wrote to it; start a new run, and leave its folder alone',
  NotFoundError: 'it was removed while the run wrote to it; start a new run',
  ENAMETOOLONG: 'its name is too long; name a folder with a shorter path',
  EBUSY: 'another program uses it; close that program, then go on',
  NoModificationAllowedError: 'another tab writes it; close that tab, then go on',
  EIO: 'the disk reports an error; check the disk, then go on',
};

/** `error` as a StorageError if it comes from storage; every other error as it is. */
export function storageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const kind = error instanceof DOMException ? error.name : code;
  // Other exceptions of a browser come from the graphics device, or from a cancel.
  if (kind === undefined || (syscall === undefined && !Object.hasOwn(REASONS, kind))) return error;
  const reason = REASONS[kind] ?? `${kind}; check the disk, then go on`;
  return new StorageError(`${path} cannot be written: ${reason}`, { cause: error });
}
