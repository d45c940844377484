/**
 * Models that a visitor brought, kept in the origin private file system as models/NAME/FILE, where
 * the page and the workers find them again.
 */
import { CheckpointError } from './errors.ts';
import { blobSource, type CheckpointFolder } from './files.ts';

async function shelf(): Promise<FileSystemDirectoryHandle> {
  const top = await navigator.storage.getDirectory();
  return top.getDirectoryHandle('models', { create: true });
}

export async function storedModels(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await shelf()).keys()) names.push(name);
  return names.sort();
}

export async function storedFolder(name: string): Promise<CheckpointFolder> {
  const folder = await (await shelf()).getDirectoryHandle(name).catch(() => {
    throw new CheckpointError(`${name} is not stored in this browser any more; drop it again`);
  });
  return {
    name,
    async open(file) {
      const handle = await folder.getFileHandle(file).catch(() => undefined);
      return handle && blobSource(`${name}/${file}`, await handle.getFile());
    },
  };
}

/** Copies files (by name) piece by piece; a model of the same name is replaced. */
export async function storeModel(
  name: string,
  files: ReadonlyMap<string, Blob>,
  onProgress: (share: number) => void,
): Promise<void> {
  await removeStoredModel(name);
  const folder = await (await shelf()).getDirectoryHandle(name, { create: true });
  const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
  let copied = 0;
  const counter = (): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> =>
    new TransformStream({
      transform(chunk, controller) {
        copied += chunk.byteLength;
        onProgress(copied / total);
        controller.enqueue(chunk);
      },
    });
  try {
    for (const [file, blob] of files) {
      const handle = await folder.getFileHandle(file, { create: true });
      await blob
        .stream()
        .pipeThrough(counter())
        .pipeTo(await handle.createWritable());
    }
  } catch (error) {
    await removeStoredModel(name);
    throw new CheckpointError(
      `${name} could not be stored (${(error as Error).message}); free some space in this browser`,
    );
  }
}

export async function removeStoredModel(name: string): Promise<void> {
  await (await shelf()).removeEntry(name, { recursive: true }).catch(() => undefined);
}
