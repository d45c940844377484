/**
 * The header of a GGUF file: keys with values, and where each tensor lies. Every count is compared with
 * the size of the file before it is believed.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { CheckpointError } from './errors.ts';
import type { FileSource } from './files.ts';

export type GgufValue = number | boolean | string | GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** The longest step first, as in PyTorch; the file has them the other way round. */
  readonly shape: readonly number[];
  /** The number of its type in ggml. */
  readonly type: number;
  /** The file that it lies in, and where its bytes begin there. */
  readonly file: FileSource;
  readonly start: number;
}

export interface GgufHeader {
  readonly values: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

/** "GGUF" */
export const MAGIC = 0x46554747;
/** Headers are read in pieces that grow; a vocabulary takes several megabytes. */
const FIRST_PIECE = 2 ** 22;

class NeedsMore extends Error {}

/** @throws CheckpointError when the file is no GGUF file, is cut off, or has impossible counts */
export async function readGgufHeader(source: FileSource): Promise<GgufHeader> {
  for (let length = FIRST_PIECE; ; length *= 4) {
    const bytes = await source.read(0, Math.min(length, source.size));
    try {
      return new HeaderReader(bytes, source).read();
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
      if (length >= source.size) throw cutOff(source);
    }
  }
}

const cutOff = ({ path, size }: FileSource): CheckpointError =>
  new CheckpointError(`${path} is cut off inside its header (${size} bytes); download it again`);

/** Bytes of each kind of value; 8 is a text and 9 a list. */
const SIZES: Record<number, number> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 9: 12, 10: 8, 11: 8, 12: 8 },
};
const TEXT = 8;
const LIST = 9;

class HeaderReader {
  private readonly view: DataView;
  private at = 0;
  /** A byte-order mark is a character of a token. */
  private readonly utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(
    private readonly bytes: Uint8Array<ArrayBuffer>,
    private readonly source: FileSource,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): GgufHeader {
    const { path } = this.source;
    if (this.bytes.length < 4 || this.view.getUint32(0, true) !== MAGIC) {
      throw new CheckpointError(
        `${path} does not begin with GGUF, so it is not a GGUF file; download it again`,
      );
    }
    this.at = 4;
    const version = this.uint32();
    if (version !== 2 && version !== 3) {
      // The number of a big-endian file has its bytes in the other order.
      const problem =
        version > 0xffff
          ? 'is big-endian, and only little-endian files are read'
          : `has version ${version} of the format, and only 2 and 3 are read`;
      throw new CheckpointError(`${path} ${problem}; convert the model again`);
    }
    const tensorCount = this.count(24);
    const keyCount = this.count(13);
    const values = new Map<string, GgufValue>();
    for (let i = 0; i < keyCount; i++) {
      const key = this.text();
      values.set(key, this.value(this.uint32()));
    }
    const tensors = Array.from({ length: tensorCount }, () => this.tensor());
    const alignment = values.get('general.alignment') ?? 32;
    if (typeof alignment !== 'number' || alignment < 1) throw this.broken('its alignment');
    const odd = tensors.find(({ start }) => start % alignment !== 0);
    if (odd) throw this.broken(`the place of ${odd.name}`);
    const dataStart = Math.ceil(this.at / alignment) * alignment;
    return {
      values,
      tensors: tensors.map((tensor) => ({ ...tensor, start: dataStart + tensor.start })),
    };
  }

  private broken(what: string): CheckpointError {
    return new CheckpointError(
      `${this.source.path} has an impossible number in ${what}; download it again`,
    );
  }

  private take(length: number): number {
    const start = this.at;
    if (start + length > this.bytes.length) throw new NeedsMore();
    this.at += length;
    return start;
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private uint64(what: string): number {
    const value = this.view.getBigUint64(this.take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.broken(what);
    return Number(value);
  }

  /** A number of things that take at least `bytes` each in the rest of the file. */
  private count(bytes: number): number {
    const count = this.uint64('its counts');
    if (count * bytes > this.source.size - this.at) throw this.broken('its counts');
    return count;
  }

  private text(): string {
    const length = this.count(1);
    const start = this.take(length);
    return this.utf8.decode(this.bytes.subarray(start, start + length));
  }

  private value(kind: number): GgufValue {
    const size = SIZES[kind];
    if (size === undefined) {
      throw new CheckpointError(
        `${this.source.path} has a value of unknown kind ${kind}; download it again`,
      );
    }
    if (kind === TEXT) return this.text();
    if (kind === LIST) {
      const of = this.uint32();
      // As ggml does; lists could be nested until the stack is full.
      if (of === LIST) {
        throw new CheckpointError(
          `${this.source.path} has a list of lists, which no GGUF file has; download it again`,
        );
      }
      const count = this.count(SIZES[of] ?? 1);
      return Array.from({ length: count }, () => this.value(of));
    }
    const at = this.take(size);
    const { view } = this;
    switch (kind) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      case 7:
        return view.getUint8(at) !== 0;
      case 10:
        return Number(view.getBigUint64(at, true));
      case 11:
        return Number(view.getBigInt64(at, true));
      default:
        return view.getFloat64(at, true);
    }
  }

  private tensor(): GgufTensor {
    const name = this.text();
    const dimensions = this.uint32();
    if (dimensions < 1 || dimensions > 4) throw this.broken(`the shape of ${name}`);
    const sizes = Array.from({ length: dimensions }, () => this.uint64(`the shape of ${name}`));
    if (sizes.some((size) => size < 1)) throw this.broken(`the shape of ${name}`);
    const type = this.uint32();
    const start = this.uint64(`the place of ${name}`);
    return { name, shape: sizes.reverse(), type, file: this.source, start };
  }
}
