/**
 * Models that a visitor brought, in the origin private file system as models/NAME/PATH, where
 * the page and the workers can read them. A model is complete once its marker file exists, which is
 * written last; it has the name that the model was brought with. Incomplete models, which a closed
 * tab left behind, are removed.
 */
import { CheckpointError } from './errors.ts';
import { blobSource, type CheckpointFolder, type FileSource } from './files.ts';
import { orGguf } from './gguf-folder.ts';
import { ADDITIONAL_TEMPLATES } from './model-files.ts';

/** The marker file, written after all others. */
const COMPLETE = '.stored';

async function shelf(): Promise<FileSystemDirectoryHandle> {
  const top = await navigator.storage.getDirectory();
  return top.getDirectoryHandle('models', { create: true });
}

/** Names of the models that are stored completely. */
export async function storedModels(): Promise<string[]> {
  const names: string[] = [];
  const top = await shelf();
  for await (const name of top.keys()) {
    if (await isComplete(await top.getDirectoryHandle(name))) names.push(name);
  }
  return names.sort();
}

/** Names of the stored models that were brought with this name. */
export async function storedNamesakes(wanted: string): Promise<string[]> {
  const top = await shelf();
  const names: string[] = [];
  for (const name of await storedModels()) {
    const folder = await top.getDirectoryHandle(name);
    const own = await (await (await folder.getFileHandle(COMPLETE)).getFile()).text();
    if ((own || name) === wanted) names.push(name);
  }
  return names;
}

const isComplete = (folder: FileSystemDirectoryHandle): Promise<boolean> =>
  folder.getFileHandle(COMPLETE).then(
    () => true,
    () => false,
  );

/** Removes incomplete models, except those that a tab is storing now. */
export async function sweepStoredModels(): Promise<void> {
  const top = await shelf();
  for await (const [name, handle] of top.entries()) {
    if (await isComplete(handle as FileSystemDirectoryHandle)) continue;
    await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
      if (lock) await removeStoredModel(name);
    });
  }
}

const lockOf = (name: string): string => `storing ${name}`;

/**
 * As a run reads it: a GGUF file is a folder of the files that are made of it.
 * @throws CheckpointError when no such model is stored
 */
export async function storedFolder(name: string): Promise<CheckpointFolder> {
  return orGguf(await asStored(name));
}

/**
 * The files as they are stored.
 * @throws CheckpointError when no such model is stored
 */
export async function storedFiles(name: string): Promise<FileSource[]> {
  const folder = await asStored(name);
  const additional = await folder.list(ADDITIONAL_TEMPLATES);
  const paths = [
    ...(await folder.list()),
    ...additional.map((file) => `${ADDITIONAL_TEMPLATES}/${file}`),
  ];
  const files = await Promise.all(paths.map((file) => folder.open(file)));
  return files.filter((file) => file !== undefined);
}

interface StoredFolder extends CheckpointFolder {
  /** Names in the folder, or in a folder of it. */
  list(inside?: string): Promise<string[]>;
}

async function asStored(name: string): Promise<StoredFolder> {
  const folder = await (await shelf()).getDirectoryHandle(name).catch(() => undefined);
  if (!folder || !(await isComplete(folder))) {
    throw new CheckpointError(`${name} is not stored in this browser any more; drop it again`);
  }
  return directoryFolder(folder, name);
}

/** A folder of the origin private file system as a checkpoint folder. */
function directoryFolder(folder: FileSystemDirectoryHandle, name: string): StoredFolder {
  return {
    name,
    async open(file) {
      const handle = await fileIn(folder, file, false).catch(() => undefined);
      return handle && blobSource(`${name}/${file}`, await handle.getFile());
    },
    async list(inside = '') {
      const names: string[] = [];
      const listed =
        inside === '' ? folder : await folder.getDirectoryHandle(inside).catch(() => undefined);
      for await (const entry of listed?.keys() ?? []) if (entry !== COMPLETE) names.push(entry);
      return names.sort();
    },
  };
}

/** @param path of a file, in the folder itself or in a folder of it */
async function fileIn(
  folder: FileSystemDirectoryHandle,
  path: string,
  create: boolean,
): Promise<FileSystemFileHandle> {
  const parts = path.split('/');
  for (const part of parts.slice(0, -1)) {
    folder = await folder.getDirectoryHandle(part, { create });
  }
  return folder.getFileHandle(parts.at(-1)!, { create });
}

/** A file to copy: a Blob, or another stream of a known length. */
export type Streamed = Pick<Blob, 'size' | 'stream'>;

interface StoreOptions {
  /** The name that the model was brought with; `name` if absent. */
  wanted?: string;
  onProgress?: (share: number) => void;
  /** After an abort, nothing of the model stays. */
  signal?: AbortSignal;
}

/**
 * Copies files (by their paths in the model's folder) piece by piece; a model of the same name is replaced.
 * @throws CheckpointError when the browser has no room; nothing of the model stays then
 */
export function storeModel(
  name: string,
  files: ReadonlyMap<string, Streamed>,
  options: StoreOptions = {},
): Promise<void> {
  return navigator.locks.request(lockOf(name), () => store(name, files, options));
}

async function store(
  name: string,
  files: ReadonlyMap<string, Streamed>,
  { wanted = name, onProgress, signal }: StoreOptions,
): Promise<void> {
  const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
  if (total > (await roomLeft())) throw full(name, total);
  let copied = 0;
  const counter = (): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> =>
    new TransformStream({
      transform(chunk, controller) {
        copied += chunk.byteLength;
        onProgress?.(copied / total);
        controller.enqueue(chunk);
      },
    });
  try {
    await removeStoredModel(name);
    const folder = await (await shelf()).getDirectoryHandle(name, { create: true });
    for (const [file, contents] of files) {
      const handle = await fileIn(folder, file, true);
      await contents
        .stream()
        .pipeThrough(counter())
        .pipeTo(await handle.createWritable(), signal && { signal });
    }
    const marker = await folder.getFileHandle(COMPLETE, { create: true });
    await new Blob([wanted]).stream().pipeTo(await marker.createWritable());
  } catch (error) {
    await removeStoredModel(name).catch(() => undefined);
    signal?.throwIfAborted();
    const { name: kind, message } = error as Error;
    if (kind === 'QuotaExceededError') throw full(name, total);
    throw new CheckpointError(`${name} could not be stored (${message}); try again`);
  }
}

/** Bytes that this page may still store, by the browser's estimate; it may refuse earlier. */
async function roomLeft(): Promise<number> {
  const { quota, usage } = await navigator.storage.estimate();
  return quota === undefined ? Infinity : quota - (usage ?? 0);
}

function full(name: string, total: number): CheckpointError {
  return new CheckpointError(
    `${name} takes ${Math.ceil(total / 1e6)} MB, for which this browser has no room; ` +
      'remove a model from the list, or free some space on the disk',
  );
}

export async function removeStoredModel(name: string): Promise<void> {
  await (await shelf()).removeEntry(name, { recursive: true }).catch(() => undefined);
}
