/** Safetensors files in memory, whole. */
import { SafetensorsFile, safetensorsHeader } from '../src/model/safetensors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/** A file of float32 tensors. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Bytes {
  const entries = [...tensors].map(([name, { shape }]) => ({ name, shape, dtype: 'F32' as const }));
  const parts = [...tensors.values()].map(
    ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  return new Uint8Array(Buffer.concat([safetensorsHeader(entries), ...parts]));
}

/** All tensors of a file; `path` is for messages. */
export async function readSafetensors(
  bytes: Bytes,
  path: string,
): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open({
    path,
    size: bytes.length,
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  });
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  return tensors;
}
