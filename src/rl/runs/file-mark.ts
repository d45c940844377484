/**
 * The size and the SHA-256 of a file, by which a later reader knows that it is as it was written. A large
 * file has a hash for each piece of 8 MiB (`split -b 8M --filter=sha256sum FILE` prints the same ones):
 * the platform hashes whole pieces fast, and no file has to be in memory.
 */
import { PIECE_BYTES, type FileContents, type FileSource } from '../../model/files.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export interface FileMark {
  readonly bytes: number;
  /** In hexadecimal digits, one for each piece. */
  readonly sha256: readonly string[];
}

export async function sha256(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const sha256OfText = (text: string): Promise<string> =>
  sha256(new TextEncoder().encode(text));

/** Whether the file is as it was when it was marked. */
export async function isAsMarked(source: FileSource, mark: FileMark): Promise<boolean> {
  if (source.size !== mark.bytes) return false;
  for (const [i, hash] of mark.sha256.entries()) {
    const at = i * PIECE_BYTES;
    const piece = await source.read(at, Math.min(source.size, at + PIECE_BYTES));
    if ((await sha256(piece)) !== hash) return false;
  }
  return true;
}

/** The same contents; `onEnd` is called with their mark when all of them have been taken. */
export async function* marking(
  data: FileContents,
  onEnd: (mark: FileMark) => void,
): AsyncGenerator<Bytes> {
  const hashes: string[] = [];
  let bytes = 0;
  // What is left of a stream until it makes a whole piece; most files are far smaller.
  let piece: Bytes = new Uint8Array(2 ** 12);
  let filled = 0;
  for await (const part of partsOf(data)) {
    bytes += part.length;
    for (let at = 0; at < part.length;) {
      const taken = part.subarray(at, at + PIECE_BYTES - filled);
      at += taken.length;
      if (filled + taken.length > piece.length) piece = grown(piece, filled + taken.length);
      piece.set(taken, filled);
      filled += taken.length;
      if (filled < PIECE_BYTES) continue;
      hashes.push(await sha256(piece));
      filled = 0;
    }
    yield part;
  }
  if (filled > 0) hashes.push(await sha256(piece.subarray(0, filled)));
  onEnd({ bytes, sha256: hashes });
}

/** A copy with room for at least so many bytes, at most a whole piece. */
function grown(piece: Bytes, bytes: number): Bytes {
  const larger = new Uint8Array(Math.min(PIECE_BYTES, Math.max(bytes, 2 * piece.length)));
  larger.set(piece);
  return larger;
}

async function* partsOf(data: FileContents): AsyncGenerator<Bytes> {
  if (typeof data === 'string') yield new TextEncoder().encode(data);
  else if (data instanceof Uint8Array) yield data;
  else yield* data;
}
