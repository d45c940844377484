/** The files in the .zip of a run, unpacked piece by piece. */
import type { FileEntry } from '@zip.js/zip.js/lib/zip-core-native.js';

/** A .zip that cannot be opened as a run; the message says what to do. */
export class ImportError extends Error {
  override name = 'ImportError';
}

type Bytes = Uint8Array<ArrayBuffer>;

export interface Entry {
  /** Inside the run's folder. */
  path: string;
  entry: FileEntry;
}

export async function textOf(entry: FileEntry): Promise<string> {
  const pieces: Bytes[] = [];
  for await (const piece of contents(entry)) pieces.push(piece);
  return new Blob(pieces).text();
}

export const streamOf = (pieces: AsyncGenerator<Bytes>): ReadableStream<Bytes> =>
  new ReadableStream({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });

/** The bytes of an entry, piece by piece. */
export async function* contents(
  entry: FileEntry,
  onBytes?: (bytes: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<Bytes> {
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  const unpacked = entry
    .getData(writable, { ...(signal && { signal }) })
    .catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new ImportError(`${entry.filename} in this .zip is damaged; export the run again.`, {
        cause: error,
      });
    });
  // If it fails before its first byte, the stream neither ends nor fails.
  const damaged = new Promise<never>((_, reject) => void unpacked.catch(reject));
  damaged.catch(() => undefined);
  const reader = readable.getReader();
  try {
    for (;;) {
      const { done, value } = await Promise.race([damaged, reader.read().catch(() => damaged)]);
      if (done) break;
      yield value;
      onBytes?.(value.byteLength);
    }
    await unpacked;
  } finally {
    // Whoever has read enough ends the unpacking, too.
    await reader.cancel().catch(() => undefined);
  }
}
