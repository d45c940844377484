/** Reads safetensors files in rows, so that a file may be larger than memory, and writes their headers. */
import { firstNotFinite } from '../gpu/finite.ts';
import { decode, type Storage } from '../gpu/storage.ts';
import { CheckpointError } from './errors.ts';
import { PIECE_BYTES, type FileSource } from './files.ts';
import {
  elementCount,
  tensorBytes,
  PREFIX_BYTES,
  headerLength,
  parseHeader,
  type Dtype,
  type TensorEntry,
} from './safetensors-header.ts';

/** A tensor in a file. */
export interface StoredTensor {
  name: string;
  shape: readonly number[];
  dtype: Dtype;
  file: SafetensorsFile;
}

/** Rows of a tensor as they lie in a file. */
export interface StoredRows {
  readonly storage: Storage;
  readonly data: ArrayBuffer;
  readonly firstRow: number;
}

/** The storage on the GPU that has the same bytes. */
const STORAGE = {
  ...{ F32: 'f32', F16: 'f16', BF16: 'bf16' },
  ...{ BLOCK8: 'int8', BLOCK4: 'int4' },
} as const satisfies Record<Dtype, Storage>;

export class SafetensorsFile {
  private constructor(
    private readonly source: FileSource,
    /** By name, in the order of the file. */
    readonly tensors: ReadonlyMap<string, TensorEntry>,
  ) {}

  /**
   * The same file with other names for its tensors.
   * @throws CheckpointError when two tensors get the same name
   */
  renamed(rename: (name: string) => string): SafetensorsFile {
    const tensors = new Map<string, TensorEntry>();
    for (const entry of this.tensors.values()) {
      const name = rename(entry.name);
      const other = tensors.get(name);
      if (other) {
        throw new CheckpointError(
          `${this.source.path} has both ${other.name} and ${entry.name}, which are the same tensor of ` +
            'the model; remove one of them',
        );
      }
      tensors.set(name, entry);
    }
    return new SafetensorsFile(this.source, tensors);
  }

  nameInFile(name: string): string {
    return this.entry(name).name;
  }

  /**
   * Reads and checks the header; no tensor is read yet.
   * @throws CheckpointError when the file is broken or holds a dtype that is not read.
   */
  static async open(source: FileSource): Promise<SafetensorsFile> {
    const { path, size } = source;
    const prefix = await source.read(0, Math.min(PREFIX_BYTES, size));
    const end = PREFIX_BYTES + headerLength(prefix, size, path);
    const header = await source.read(PREFIX_BYTES, end);
    return new SafetensorsFile(source, parseHeader(header, size, path));
  }

  /**
   * One tensor's values, row-major, whatever dtype they are stored in.
   * @throws CheckpointError when one of them is not finite
   */
  async read(name: string): Promise<Float32Array> {
    const { start, end, dtype } = this.entry(name);
    const data = await this.readRange(name, start, end);
    this.checkFinite(name, data);
    return decode(STORAGE[dtype], data);
  }

  /**
   * The tensor as it is stored, some whole rows at a time, so that a large tensor is never in memory as
   * a whole.
   * @param pieceBytes size of the rows that are read together; a longer row is read alone
   * @throws CheckpointError when a number is not finite
   */
  async *parts(name: string, pieceBytes = PIECE_BYTES): AsyncGenerator<StoredRows, void> {
    const { start, end, shape, dtype } = this.entry(name);
    const rows = shape[0] ?? 1;
    const rowBytes = (end - start) / Math.max(1, rows);
    const rowsPerPart = Math.max(1, Math.floor(pieceBytes / Math.max(1, rowBytes)));
    for (let row = 0; row < rows; row += rowsPerPart) {
      const last = Math.min(rows, row + rowsPerPart);
      const data = await this.readRange(name, start + row * rowBytes, start + last * rowBytes);
      this.checkFinite(name, data, row);
      yield { storage: STORAGE[dtype], data, firstRow: row };
    }
  }

  private entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (!entry) {
      throw new CheckpointError(
        `${this.source.path} has no tensor ${name}; choose a complete checkpoint`,
      );
    }
    return entry;
  }

  private checkFinite(name: string, data: ArrayBuffer, firstRow = 0): void {
    const { dtype, shape } = this.entry(name);
    const storage = STORAGE[dtype];
    const at =
      storage === 'int8' || storage === 'int4'
        ? decode(storage, data).findIndex((x) => !Number.isFinite(x))
        : firstNotFinite(storage, data);
    if (at < 0) return;
    const value = decode(storage, data)[at];
    const row = firstRow + Math.floor(at / elementCount(shape.slice(1)));
    throw new CheckpointError(
      `${this.source.path}: tensor ${name} has ${value} in row ${row}, and every number must be ` +
        'finite; use another checkpoint',
    );
  }

  /** In a buffer of its own, because typed arrays need an aligned start. */
  private async readRange(name: string, start: number, end: number): Promise<ArrayBuffer> {
    const bytes = await this.source.read(start, end);
    if (bytes.length !== end - start) {
      throw new CheckpointError(
        `${this.source.path} changed while tensor ${name} was read; start again`,
      );
    }
    return bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }
}

/**
 * The header of a file whose tensors follow in this order. Its metadata is {"format": "pt"};
 * some loaders refuse files without it.
 */
export function safetensorsHeader(
  tensors: readonly Pick<StoredTensor, 'name' | 'shape' | 'dtype'>[],
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape, dtype } of tensors) {
    const start = end;
    end += tensorBytes({ shape, dtype });
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(PREFIX_BYTES + Math.ceil(json.length / 8) * 8);
  bytes.fill(0x20, PREFIX_BYTES); // the header is padded with spaces
  bytes.set(json, PREFIX_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - PREFIX_BYTES), true);
  return bytes;
}
