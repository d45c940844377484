/**
 * Merges an adapter into its base: W + (alpha / r) B A, with the product summed in float64 and the
 * result written in the element type of the base. It takes some rows at a time, so that the model
 * is never in memory as a whole. A classifier's score head comes from the adapter, in float32.
 */
import { decode, encodeHalves } from '../gpu/storage.ts';
import { checkpointConfig, type Checkpoint } from './adapted.ts';
import { layoutAdapter } from './lora.ts';
import { openWeights, SCORE } from './open-weights.ts';
import { openAdapter } from './open-adapter.ts';
import { adaptedTensor, SCORE_TENSOR } from './peft.ts';
import { safetensorsHeader, type StoredTensor } from './safetensors.ts';
import { tensorBytes, type Dtype } from './safetensors-header.ts';

type Bytes = Uint8Array<ArrayBuffer>;

interface Factors {
  /** [r, in] */
  a: Float32Array;
  /** [out, r] */
  b: Float32Array;
}

/** A model.safetensors that is made while it is read. */
export interface MergedWeights {
  /** In bytes. */
  size: number;
  /** The file, in order. */
  pieces: () => AsyncGenerator<Bytes>;
}

/** @throws CheckpointError when the adapter is for another base */
export async function openMerge(
  base: Checkpoint['base'],
  adapter: NonNullable<Checkpoint['adapter']>,
): Promise<MergedWeights> {
  const config = await checkpointConfig({ base, adapter });
  const layout = layoutAdapter(config, adapter.config);
  const factors = new Map<string, Float32Array>();
  for (const { name, file } of await openAdapter(adapter.folder, adapter.config, layout)) {
    factors.set(name, await file.read(name));
  }
  const score = factors.get(SCORE_TENSOR);
  // A merged model is written in the types of safetensors.
  const widened = { ...base, quantised: undefined };
  const { tensors: stored } = await openWeights(widened, config, score !== undefined);
  const tensors = score ? stored.filter(({ name }) => name !== SCORE) : stored;
  const head = score && { name: SCORE, shape: [1, config.hiddenSize], dtype: 'F32' as const };
  const entries = [...tensors, ...(head ? [head] : [])];
  const header = safetensorsHeader(entries);
  const scale = adapter.config.alpha / adapter.config.r;
  const byWeight = new Map<string, Factors>();
  for (const [name, a] of factors) {
    if (!name.includes('.lora_A.')) continue;
    const b = factors.get(name.replace('.lora_A.', '.lora_B.'))!;
    byWeight.set(adaptedTensor(name), { a, b });
  }
  return {
    size: header.length + entries.reduce((sum, entry) => sum + tensorBytes(entry), 0),
    async *pieces() {
      yield header;
      for (const tensor of tensors) yield* mergedTensor(tensor, byWeight.get(tensor.name), scale);
      if (score) yield toBytes(score, 'F32');
    },
  };
}

async function* mergedTensor(
  { file, name, shape, dtype }: StoredTensor,
  factors: Factors | undefined,
  scale: number,
): AsyncGenerator<Bytes> {
  for await (const { storage, data, firstRow } of file.parts(name)) {
    if (!factors) {
      yield new Uint8Array(data);
      continue;
    }
    const values = decode(storage, data);
    addProduct(values, factors, shape[1]!, firstRow, scale);
    yield toBytes(values, dtype);
  }
}

/** values [rows, in] += scale B[firstRow.., :] A */
function addProduct(
  values: Float32Array,
  { a, b }: Factors,
  width: number,
  firstRow: number,
  scale: number,
): void {
  const rank = a.length / width;
  const delta = new Float64Array(width);
  for (let row = 0; row * width < values.length; row++) {
    delta.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = scale * b[(firstRow + row) * rank + k]!;
      for (let col = 0; col < width; col++) delta[col]! += factor * a[k * width + col]!;
    }
    for (let col = 0; col < width; col++) values[row * width + col]! += delta[col]!;
  }
}

function toBytes(values: Float32Array, dtype: Dtype): Bytes {
  const data = dtype === 'F32' ? values : encodeHalves(dtype === 'F16' ? 'f16' : 'bf16', values);
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
