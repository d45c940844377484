/** Safetensors files in (tensor by tensor, so that a file may be larger than memory) and out. */
import { decode } from '../gpu/storage.ts';
import { CheckpointError } from './errors.ts';
import type { FileSource } from './files.ts';
import {
  PREFIX_BYTES,
  headerLength,
  parseHeader,
  type Dtype,
  type TensorEntry,
} from './safetensors-header.ts';

type Floats = Float32Array<ArrayBuffer>;
type Bytes = Uint8Array<ArrayBuffer>;

export class SafetensorsFile {
  private constructor(
    private readonly source: FileSource,
    /** By name, in the order of the file. */
    readonly tensors: ReadonlyMap<string, TensorEntry>,
  ) {}

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

  /** One tensor's values, row-major, whatever dtype they are stored in. */
  async read(name: string): Promise<Floats> {
    const { start, end } = this.entry(name);
    return this.readRange(name, start, end);
  }

  /** The same in parts of whole rows, so that a large tensor never is in memory all at once. */
  async *parts(name: string): AsyncGenerator<{ values: Floats; firstRow: number }> {
    const { start, end, shape } = this.entry(name);
    const rows = shape[0] ?? 1;
    const rowBytes = (end - start) / Math.max(1, rows);
    const rowsPerPart = Math.max(1, Math.floor(PART_BYTES / Math.max(1, rowBytes)));
    for (let row = 0; row < rows; row += rowsPerPart) {
      const last = Math.min(rows, row + rowsPerPart);
      const values = await this.readRange(name, start + row * rowBytes, start + last * rowBytes);
      yield { values, firstRow: row };
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

  private async readRange(name: string, start: number, end: number): Promise<Floats> {
    const bytes = await this.source.read(start, end);
    if (bytes.length !== end - start) {
      throw new CheckpointError(
        `${this.source.path} changed while tensor ${name} was read; start again`,
      );
    }
    return toFloats(bytes, this.entry(name).dtype);
  }
}

const PART_BYTES = 2 ** 25;

/** All tensors of a file that is already in memory; `path` is for messages. */
export async function readSafetensors(bytes: Bytes, path: string): Promise<Map<string, Floats>> {
  const file = await SafetensorsFile.open({
    path,
    size: bytes.length,
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  });
  const tensors = new Map<string, Floats>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  return tensors;
}

/** The values of a tensor in little-endian `bytes`, in a copy of their own. */
function toFloats(bytes: Bytes, dtype: Dtype): Floats {
  const { buffer } = bytes.slice(); // typed arrays want an aligned start
  if (dtype === 'F32') return new Float32Array(buffer);
  return decode(dtype === 'F16' ? 'f16' : 'bf16', buffer) as Floats;
}

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** A file of float32 tensors. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Bytes {
  for (const [name, { shape, values }] of tensors) {
    if (values.length !== count(shape)) {
      throw new Error(`tensor ${name} of shape [${shape.join(', ')}] has ${values.length} values`);
    }
  }
  const header = safetensorsHeader(
    [...tensors].map(([name, { shape }]) => ({ name, shape, dtype: 'F32' })),
  );
  const end = [...tensors.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
  const file = new Uint8Array(header.length + end);
  file.set(header);
  let at = header.length;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

/**
 * The beginning of a file whose tensors follow in this order. Its metadata is {"format": "pt"};
 * some loaders refuse files without it.
 */
export function safetensorsHeader(
  tensors: readonly { name: string; shape: readonly number[]; dtype: Dtype }[],
): Bytes {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape, dtype } of tensors) {
    const start = end;
    end += count(shape) * (dtype === 'F32' ? 4 : 2);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(PREFIX_BYTES + Math.ceil(json.length / 8) * 8);
  bytes.fill(0x20, PREFIX_BYTES); // the header is padded with spaces
  bytes.set(json, PREFIX_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - PREFIX_BYTES), true);
  return bytes;
}

const count = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);
