/**
 * LiveCodeBench's private tests: base64, zlib, and Python's pickle around one string. Only that string is
 * read. Nothing of a pickle is executed.
 */
import { BenchmarkDataError } from './benchmark.ts';

const broken = (): BenchmarkDataError =>
  new BenchmarkDataError('its private tests cannot be read; download the file again.');

/** The largest that is unpacked; the largest of the data set has about 300 MB. */
const MOST_BYTES = 2 ** 30;

/** The bytes in base64 of a zlib stream. @throws BenchmarkDataError */
export async function inflate(base64: string): Promise<Uint8Array> {
  try {
    const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MOST_BYTES) throw broken();
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  } catch {
    throw broken();
  }
}

const PROTO = 0x80;
const FRAME = 0x95;
const STOP = 0x2e;
/** MEMOIZE, and BINPUT with one byte and LONG_BINPUT with four. */
const MEMO_LENGTHS: Partial<Record<number, number>> = { 0x94: 1, 0x71: 2, 0x72: 5 };
/** SHORT_BINUNICODE, BINUNICODE and BINUNICODE8: how many bytes give the length of the text. */
const TEXT_LENGTHS: Partial<Record<number, number>> = { 0x8c: 1, 0x58: 4, 0x8d: 8 };

/** The text in a pickle of one string, protocols 2 to 5. @throws BenchmarkDataError */
export function pickledString(pickle: Uint8Array): string {
  const view = new DataView(pickle.buffer, pickle.byteOffset, pickle.byteLength);
  try {
    if (view.getUint8(0) !== PROTO) throw broken();
    let at = 2;
    if (view.getUint8(at) === FRAME) at += 9;
    const digits = TEXT_LENGTHS[view.getUint8(at)];
    if (digits === undefined) throw broken();
    at += 1;
    const length =
      digits === 1
        ? view.getUint8(at)
        : digits === 4
          ? view.getUint32(at, true)
          : Number(view.getBigUint64(at, true));
    at += digits;
    const text = pickle.subarray(at, at + length);
    at += length;
    at += MEMO_LENGTHS[view.getUint8(at)] ?? 0;
    // A longer pickle has more than one string.
    if (view.getUint8(at) !== STOP || at !== pickle.length - 1) throw broken();
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw broken();
  }
}
