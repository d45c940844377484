/**
 * The tensors of a GGUF file as one safetensors file, which is made while it is read: under their names in
 * transformers, with the rows of queries and keys in its order, and in types that the rest of Ponder has.
 */
import { decode, encodeHalves } from '../gpu/storage.ts';
import { CheckpointError } from './errors.ts';
import type { FileSource } from './files.ts';
import { tensorBytes, type Dtype } from './safetensors-header.ts';
import { safetensorsHeader } from './safetensors.ts';
import {
  blockStorage,
  dequantise,
  nameOfType,
  rowBytes,
  toStorage,
  typeNames,
  typeOf,
  type GgufType,
} from './gguf-blocks.ts';
import type { GgufTensor } from './gguf-header.ts';

/** What becomes of a tensor. */
export interface Renamed {
  readonly name: string;
  /** Rows of a head, which llama.cpp stores in pairs: the order of rotary embeddings there. */
  readonly paired?: number | undefined;
  /** llama.cpp stores 1 more: Gemma's norms multiply by 1 + weight. */
  readonly minusOne?: boolean | undefined;
}

interface Entry extends Renamed {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly type: GgufType;
  /** The GGUF file, where its rows begin in it, and their bytes there and here. */
  readonly file: FileSource;
  readonly source: number;
  readonly sourceRow: number;
  readonly start: number;
  readonly row: number;
}

/** Matrices that are looked up or multiplied in 16 bits at least. */
const TABLES = /embed_tokens|lm_head/;

/**
 * @param path of the model, for messages
 * @param quantised matrices keep their 4 or 8 bits, in the GPU's storage, which is no type of safetensors;
 *   otherwise they are float16
 * @throws CheckpointError for a type that is not read, or a tensor that does not fit into the file
 */
export function ggufWeights(
  path: string,
  tensors: readonly (readonly [GgufTensor, Renamed])[],
  quantised: boolean,
): FileSource {
  const described = tensors.map(([tensor, renamed]) => describe(tensor, renamed, quantised));
  refuseOverlap(described);
  const header = safetensorsHeader(described);
  let end = header.length;
  const entries: Entry[] = described.map((one) => {
    const start = end;
    end += tensorBytes(one);
    return { ...one, start, row: tensorBytes(one) / one.shape[0]! };
  });
  const size = end;
  return {
    path,
    size,
    async read(from = 0, to = size) {
      const out = new Uint8Array(to - from);
      out.set(header.subarray(from, to));
      for (const entry of entries) {
        const [first, last] = [entry.start, entry.start + entry.row * entry.shape[0]!];
        if (last <= from || first >= to) continue;
        const rows = [
          Math.floor((Math.max(from, first) - first) / entry.row),
          Math.ceil((Math.min(to, last) - first) / entry.row),
        ] as const;
        const bytes = await readRows(entry, ...rows);
        const at = first + rows[0] * entry.row - from;
        out.set(
          bytes.subarray(Math.max(0, -at), Math.min(bytes.length, out.length - at)),
          Math.max(0, at),
        );
      }
      return out;
    },
  };
}

/** @throws CheckpointError for a tensor that begins inside another one */
function refuseOverlap(tensors: readonly Omit<Entry, 'start' | 'row'>[]): void {
  const ends = new Map<FileSource, number>();
  for (const { file, name, source, sourceRow, shape } of tensors.toSorted(bySource)) {
    if (source < (ends.get(file) ?? 0)) {
      throw new CheckpointError(
        `${file.path}: tensor ${name} begins inside another tensor; download it again`,
      );
    }
    ends.set(file, source + sourceRow * (shape.length === 1 ? 1 : shape[0]!));
  }
}

const bySource = (one: Pick<Entry, 'source'>, other: Pick<Entry, 'source'>): number =>
  one.source - other.source;

function describe(
  { name: own, shape, type: number, file, start }: GgufTensor,
  renamed: Renamed,
  quantised: boolean,
): Omit<Entry, 'start' | 'row'> {
  const type = typeOf(number);
  const at = `${file.path}, tensor ${own}`;
  if (!type) {
    throw new CheckpointError(
      `${at} has type ${nameOfType(number)}, and only ${typeNames()} are read; ` +
        'choose another quantisation of the model',
    );
  }
  const length = shape.at(-1)!;
  const sourceRow = rowBytes(type, length);
  const rows = shape.length === 1 ? 1 : shape[0]!;
  if (sourceRow === undefined || shape.length > 2) {
    throw new CheckpointError(
      `${at} has shape [${shape.join(', ')}], which its type ${type.name} cannot have; download it again`,
    );
  }
  if (!(start + rows * sourceRow <= file.size)) {
    throw new CheckpointError(
      `${file.path} is cut off: tensor ${own} ends at byte ${start + rows * sourceRow} of ` +
        `${file.size}; download it again`,
    );
  }
  return {
    ...renamed,
    shape,
    dtype: dtypeOf(type, shape, renamed.name, quantised),
    type,
    file,
    source: start,
    sourceRow,
  };
}

/**
 * All numbers of a small tensor.
 * @throws CheckpointError for a type that is not read, or a tensor that does not fit into the file
 */
export async function readVector(tensor: GgufTensor): Promise<Float32Array> {
  const { type, source, sourceRow } = describe(tensor, { name: tensor.name }, false);
  return toFloats(type, await tensor.file.read(source, source + sourceRow));
}

function dtypeOf(
  type: GgufType,
  shape: readonly number[],
  name: string,
  quantised: boolean,
): Dtype {
  if (shape.length === 1) return 'F32';
  if ('plain' in type) return ({ f32: 'F32', f16: 'F16', bf16: 'BF16' } as const)[type.plain];
  const storage = quantised && !TABLES.test(name) ? blockStorage(type, shape[1]!) : undefined;
  return storage === undefined ? 'F16' : storage === 'int4' ? 'BLOCK4' : 'BLOCK8';
}

/** Rows [first, last) of a tensor, converted; a vector is one row of the file, but numbers here. */
async function readRows(entry: Entry, first: number, last: number): Promise<Uint8Array> {
  const { file, source, sourceRow, shape, paired } = entry;
  if (shape.length === 1) {
    const values = toFloats(entry.type, await file.read(source, source + sourceRow));
    if (entry.minusOne) for (let i = 0; i < values.length; i++) values[i]! -= 1;
    return asBytes(unpaired(asBytes(values), 4, paired)).subarray(4 * first, 4 * last);
  }
  // Rows of a head lie in another order: whole heads are read.
  const unit = paired ?? 1;
  const from = Math.floor(first / unit) * unit;
  const to = Math.min(shape[0]!, Math.ceil(last / unit) * unit);
  const bytes = await file.read(source + from * sourceRow, source + to * sourceRow);
  const rows = unpaired(bytes, sourceRow, paired).subarray(
    (first - from) * sourceRow,
    (last - from) * sourceRow,
  );
  return convert(entry, rows.slice());
}

/** Undoes llama.cpp's order: its rows 2 i and 2 i + 1 of a head are rows i and i + half here. */
function unpaired(bytes: Uint8Array, rowLength: number, paired: number | undefined): Uint8Array {
  if (paired === undefined) return bytes;
  const out = new Uint8Array(bytes.length);
  const rows = bytes.length / rowLength;
  for (let row = 0; row < rows; row++) {
    const [head, i] = [Math.floor(row / paired), row % paired];
    const stored = head * paired + (i % (paired / 2)) * 2 + Math.floor(i / (paired / 2));
    out.set(bytes.subarray(stored * rowLength, (stored + 1) * rowLength), row * rowLength);
  }
  return out;
}

function convert({ type, dtype, name, file }: Entry, rows: Uint8Array<ArrayBuffer>): Uint8Array {
  if ('plain' in type) return rows;
  if (dtype !== 'BLOCK4' && dtype !== 'BLOCK8') {
    return asBytes(encodeHalves('f16', dequantise(type, rows)));
  }
  try {
    return asBytes(toStorage(type, rows, dtype === 'BLOCK4' ? 'int4' : 'int8'));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(
      `${file.path}: tensor ${name} is damaged (${error.message}); download it again`,
    );
  }
}

function toFloats(type: GgufType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (!('plain' in type)) return dequantise(type, bytes);
  return decode(type.plain, bytes.slice().buffer);
}

const asBytes = (data: Float32Array | Uint32Array | Uint16Array | Uint8Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
