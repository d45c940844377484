/**
 * One writer for a run's folder on disk: lock.json names the process that writes. The lock of a process
 * that has ended (killed, or before a restart of the machine) is taken over. Readers need no lock.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolders, nodeRunFolder, PARTIAL } from './run-folder.node.ts';
import { ROW_FOLDERS, type RunFolder } from './run-folder.ts';
import { StorageError, storageError } from './storage-error.ts';

const LOCK = 'lock.json';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the run began to write, for people. */
  readonly time: string;
  /** When the process began, as the system says: another process may have its number later. */
  readonly started: string | null;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

/** Between two looks at another process's lock. */
const SETTLE_MS = 50;

/** A process that was stopped just now may hold its lock for a moment. */
const PATIENCE_MS = 2_000;

interface HeldFolder {
  readonly folder: RunFolder;
  readonly release: () => Promise<void>;
}

/**
 * Makes the folder if it is not there, and holds it until `release`.
 * @throws StorageError if another process writes it, or it cannot be written
 */
export async function holdRunFolder(root: string): Promise<HeldFolder> {
  const lock = join(root, LOCK);
  const me = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    time: new Date().toISOString(),
    started: await startOf(process.pid),
    id: randomUUID(),
  } satisfies Owner);
  const isNew = await take(root, lock, me).catch((error: unknown) => {
    throw storageError(error, lock);
  });
  const isMine = async (): Promise<boolean> => (await textOf(lock)) === me;
  const release = async (): Promise<void> => {
    // On a disk that has become read-only the lock stays: the next process takes it over. What went wrong
    // before is the error to report.
    if (await isMine()) await rm(lock, { force: true }).catch(() => undefined);
    // A run that could not begin leaves no empty folder.
    if (isNew) await rmdir(root).catch(() => undefined);
  };
  try {
    await sweep(root);
  } catch (error) {
    await release();
    throw storageError(error, root);
  }
  const folder = nodeRunFolder(root);
  const append = async (path: string, text: string): Promise<void> => {
    const other = await textOf(lock);
    if (other !== undefined && other !== me) throw new StorageError(inUse(root, other));
    await folder.append(path, text);
  };
  return { folder: { ...folder, append }, release };
}

/** @returns whether the folder is new */
async function take(root: string, lock: string, me: string): Promise<boolean> {
  const isNew = (await makeFolders(root)) !== undefined;
  const until = Date.now() + PATIENCE_MS;
  while (!(await create(lock, me))) {
    const other = await settled(lock);
    if (await isAlive(other)) {
      if (Date.now() > until) throw new StorageError(inUse(root, other!));
      await sleep(SETTLE_MS);
    } else if (await replace(lock, other, me)) break;
  }
  return isNew;
}

/** Disks without hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** Makes the file with its text in one step; false if it is there already. */
async function create(file: string, text: string): Promise<boolean> {
  const own = `${file}.${randomUUID()}`;
  try {
    await writeFile(own, text);
    await link(own, file).catch((error: unknown) => {
      if (!NO_LINKS.includes(codeOf(error)!)) throw error;
      return writeFile(file, text, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Takes over the lock of a process that has ended; false if another one was faster. */
async function replace(lock: string, other: string | undefined, me: string): Promise<boolean> {
  // One process at a time: else two that have read the old lock could both replace it.
  const taking = `${lock}.taking`;
  if (!(await create(taking, me))) {
    const taker = await settled(taking);
    if (taker !== undefined && !(await isAlive(taker))) await rm(taking, { force: true });
    await sleep(SETTLE_MS);
    return false;
  }
  try {
    if ((await textOf(lock)) !== other) return false;
    const own = `${lock}.${randomUUID()}`;
    await writeFile(own, me);
    await rename(own, lock);
    return true;
  } finally {
    await rm(taking, { force: true });
  }
}

/** The lock's text. One that another process has just made may be empty for a moment. */
async function settled(lock: string): Promise<string | undefined> {
  for (let tries = 0; tries < 10; tries++) {
    const text = await textOf(lock);
    if (text === undefined || ownerIn(text)) return text;
    await sleep(SETTLE_MS);
  }
  return textOf(lock);
}

const textOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch(() => undefined);

/** undefined for a lock that is not whole, as a power cut may leave it. */
function ownerIn(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? '') as Owner | null;
    return Number.isInteger(owner?.pid) ? owner! : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process of the lock may still run; nobody knows that of another machine's. */
async function isAlive(text: string | undefined): Promise<boolean> {
  const owner = ownerIn(text);
  if (!owner) return false;
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const started = await startOf(owner.pid);
  return started === owner.started || (started !== ENDED && owner.started === null);
}

/** A process that nobody has waited for yet. */
const ENDED = 'ended';

/** When a process began, in clock ticks since the machine did; null where the system does not say. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await textOf(`/proc/${pid}/stat`);
  if (stat === undefined) return null;
  // The name before it, in brackets, may have spaces. See proc(5): state is field 3, start field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 'ZX'.includes(fields[0]!) ? ENDED : fields[19]!;
}

function inUse(root: string, text: string): string {
  const unknown = { pid: '?', host: '?', time: '?', started: null };
  const { pid, host, time, started } = ownerIn(text) ?? unknown;
  const elsewhere = host !== hostname();
  // Where the system does not say when a process began, another one may have its number now.
  const mayHaveEnded = elsewhere || started === null;
  return (
    `process ${pid}${elsewhere ? ` on ${host}` : ''} has been writing ${root} since ${time}; wait ` +
    `until it ends, or name another folder` +
    (mayHaveEnded ? `; if it has ended, delete ${join(root, LOCK)}` : '')
  );
}

const OF_A_RUN = new RegExp(
  `^(\\w+\\.\\w+|(${ROW_FOLDERS.join('|')})/step-\\d+\\.jsonl|checkpoints/step-\\d+/(value/)?[\\w.-]+)` +
    `\\${PARTIAL}$`,
);

/** Removes the files that a killed process was writing. */
async function sweep(root: string): Promise<void> {
  for (const folder of ['', ...ROW_FOLDERS, 'checkpoints']) {
    const names = await readdir(join(root, folder), { recursive: folder === 'checkpoints' }).catch(
      () => [],
    );
    for (const name of names) {
      const path = join(folder, name).replaceAll('\\', '/');
      if (OF_A_RUN.test(path)) await rm(join(root, path), { force: true });
    }
  }
}
