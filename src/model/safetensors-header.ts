/**
 * The header of a safetensors file, checked as strictly as the format's own library checks it: the
 * tensors fill the file from the end of the header to the last byte, without gap or overlap.
 * https://huggingface.co/docs/safetensors
 */
import { CheckpointError, shown } from './errors.ts';
import { parseBounded } from './json.ts';

/**
 * Bytes per element of the dtypes that are read. BLOCK8 and BLOCK4 are int8 and int4 as the GPU stores
 * them (gpu/storage.ts); no file on a disk has them.
 */
const DTYPE_BYTES = { F32: 4, F16: 2, BF16: 2, BLOCK8: 36 / 32, BLOCK4: 20 / 32 } as const;
const IN_FILES = 'F32, F16, BF16';
export type Dtype = keyof typeof DTYPE_BYTES;

/** How many numbers a tensor has. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const tensorBytes = ({ shape, dtype }: Pick<TensorEntry, 'shape' | 'dtype'>): number =>
  DTYPE_BYTES[dtype] * elementCount(shape);

export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
}

/** The header's length comes first, as 8 bytes. */
export const PREFIX_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Length of the header in bytes, from the first 8 of a file of `fileSize`. */
export function headerLength(prefix: Uint8Array, fileSize: number, path: string): number {
  if (prefix.length < PREFIX_BYTES) {
    throw new CheckpointError(`${path} has only ${fileSize} bytes; download it again`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${path} asks for a header of ${length} bytes, so it is not a safetensors file; ` +
        'download it again',
    );
  }
  if (Number(length) > fileSize - PREFIX_BYTES) {
    throw new CheckpointError(
      `${path} is cut off inside its header (${fileSize} bytes); download it again`,
    );
  }
  return Number(length);
}

/** The tensors of a header, by name, in the order in which they lie in the file. */
export function parseHeader(
  header: Uint8Array,
  fileSize: number,
  path: string,
): Map<string, TensorEntry> {
  const json = parseObject(header, path);
  const dataStart = PREFIX_BYTES + header.length;
  checkMetadata(json.__metadata__, path);
  const entries = Object.entries(json)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseEntry(name, value, dataStart, `${path}, tensor ${name}`))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let at = dataStart;
  for (const { name, start, end } of entries) {
    if (start !== at) {
      const fault = start < at ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new CheckpointError(`${path}, tensor ${name} ${fault}; download the file again`);
    }
    if (end > fileSize) {
      throw new CheckpointError(
        `${path} is cut off: tensor ${name} ends at byte ${end} of ${fileSize}; download it again`,
      );
    }
    at = end;
  }
  if (at !== fileSize) {
    throw new CheckpointError(
      `${path} has ${fileSize - at} bytes after its last tensor; download it again`,
    );
  }
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** A map of texts, as the format's own library asks. It is not read. */
function checkMetadata(value: unknown, path: string): void {
  const isMap = typeof (value ?? {}) === 'object' && !Array.isArray(value);
  if (isMap && Object.values(value ?? {}).every((text) => typeof text === 'string')) return;
  throw new CheckpointError(
    `${path}: __metadata__ is ${shown(value)}; it must be a map of texts, so save the file again`,
  );
}

function parseObject(header: Uint8Array, path: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch {
    text = '';
  }
  const json = parseBounded(text);
  if (json === undefined) {
    throw new CheckpointError(`${path} has a header that is not JSON; download it again`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CheckpointError(`${path} has a header that lists no tensors; download it again`);
  }
  const seen = new Set<string>();
  for (const name of topLevelKeys(text)) {
    if (seen.has(name)) {
      throw new CheckpointError(`${path} lists tensor ${name} twice; save the checkpoint again`);
    }
    seen.add(name);
  }
  return json as Record<string, unknown>;
}

/** The keys of a (valid) JSON object as written: `JSON.parse` keeps only the last of equal ones. */
function topLevelKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let last = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token !== ':') last = token;
    else if (depth === 1) keys.push(JSON.parse(last) as string);
  }
  return keys;
}

function parseEntry(name: string, value: unknown, dataStart: number, at: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new CheckpointError(
      `${at} has dtype ${shown(dtype)}, and only ` +
        `${IN_FILES} are read; convert the checkpoint to one of them`,
    );
  }
  if (!isSizes(shape)) {
    throw new CheckpointError(
      `${at} has the impossible shape ${shown(shape)}; download the file again`,
    );
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new CheckpointError(
      `${at} has the impossible data_offsets ${shown(offsets)}; ` + 'download the file again',
    );
  }
  const [start, end] = offsets as [number, number];
  const bytes = tensorBytes({ shape, dtype: dtype as Dtype });
  if (end - start !== bytes) {
    throw new CheckpointError(
      `${at} has ${end - start} bytes, but shape [${shape.join(', ')}] of ${dtype} takes ${bytes}; ` +
        'download the file again',
    );
  }
  return { name, dtype: dtype as Dtype, shape, start: dataStart + start, end: dataStart + end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
