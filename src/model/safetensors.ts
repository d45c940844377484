/** Safetensors files in (tensor by tensor, so that a file may be larger than memory) and out. */
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
    const { path } = this.source;
    const entry = this.tensors.get(name);
    if (!entry) {
      throw new CheckpointError(`${path} has no tensor ${name}; choose a complete checkpoint`);
    }
    const bytes = await this.source.read(entry.start, entry.end);
    if (bytes.length !== entry.end - entry.start) {
      throw new CheckpointError(`${path} changed while tensor ${name} was read; start again`);
    }
    return toFloats(bytes, entry.dtype);
  }
}

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
  const halves = new Uint16Array(buffer);
  if (dtype === 'F16') {
    halfValues ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToNumber(bits));
    const values = halfValues;
    return Float32Array.from(halves, (bits) => values[bits] as number);
  }
  // bfloat16 is the upper half of a float32.
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}

/** Every float16, by its bits: looking up is faster than taking apart. Made when first needed. */
let halfValues: Float32Array | undefined;

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** A file of float32 tensors. Its metadata say {"format": "pt"}, without which some loaders refuse it. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Bytes {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    if (values.length !== shape.reduce((product, size) => product * size, 1)) {
      throw new Error(`tensor ${name} of shape [${shape.join(', ')}] has ${values.length} values`);
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += values.byteLength)] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const dataStart = PREFIX_BYTES + Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(dataStart + end);
  file.fill(0x20, PREFIX_BYTES, dataStart); // the header is padded with spaces
  file.set(json, PREFIX_BYTES);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - PREFIX_BYTES), true);
  let at = dataStart;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}
