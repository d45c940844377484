/**
 * Merges an adapter into its base: W + (alpha / r) B A, with the product summed in float64 and the
 * result written in the element type of the base. It takes some rows at a time, so that the model
 * is never in memory as a whole. A classifier's score head comes from the adapter, in float32.
 */
import { firstNotFinite } from '../gpu/finite.ts';
import { decode, encodeHalves } from '../gpu/storage.ts';
import { checkpointConfig, type Checkpoint } from './adapted.ts';
import type { ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
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

/** A tensor of a model with its adapter merged in, which is read in order, some whole rows at a time. */
export interface MergedTensor extends Pick<StoredTensor, 'name' | 'shape' | 'dtype'> {
  values: () => AsyncGenerator<Float32Array>;
  /** In its type. */
  bytes: () => AsyncGenerator<Bytes>;
}

interface MergedModel {
  config: ModelConfig;
  tensors: MergedTensor[];
}

/**
 * The weights of a checkpoint, in types of safetensors.
 * @throws CheckpointError when the adapter is for another base
 */
export async function openMerged({
  base,
  adapter,
}: Pick<Checkpoint, 'base' | 'adapter'>): Promise<MergedModel> {
  const given = await checkpointConfig({ base, adapter });
  const factors = new Map<string, Float32Array>();
  if (adapter) {
    const layout = layoutAdapter(given, adapter.config);
    for (const { name, file } of await openAdapter(adapter.folder, adapter.config, layout)) {
      factors.set(name, await file.read(name));
    }
  }
  const score = factors.get(SCORE_TENSOR);
  const widened = { ...base, quantised: undefined };
  const { config, tensors } = await openWeights(widened, given, score !== undefined);
  const scale = adapter ? adapter.config.alpha / adapter.config.r : 0;
  const byWeight = new Map<string, Factors>();
  for (const [name, a] of factors) {
    if (!name.includes('.lora_A.')) continue;
    const b = factors.get(name.replace('.lora_A.', '.lora_B.'))!;
    byWeight.set(adaptedTensor(name), { a, b });
  }
  return {
    config,
    tensors: [
      ...tensors
        .filter(({ name }) => !(score && name === SCORE))
        .map((tensor) => mergedTensor(tensor, byWeight.get(tensor.name), scale)),
      ...(score ? [inMemory(SCORE, [1, config.hiddenSize], score)] : []),
    ],
  };
}

/** A model.safetensors that is made while it is read. */
interface MergedWeights {
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
  const { tensors } = await openMerged({ base, adapter });
  const header = safetensorsHeader(tensors);
  return {
    size: header.length + tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
    async *pieces() {
      yield header;
      for (const tensor of tensors) yield* tensor.bytes();
    },
  };
}

/** Without factors, the bytes are those of the file. */
function mergedTensor(
  { file, name, shape, dtype }: StoredTensor,
  factors: Factors | undefined,
  scale: number,
): MergedTensor {
  async function* values(): AsyncGenerator<Float32Array> {
    for await (const { storage, data, firstRow } of file.parts(name)) {
      const rows = decode(storage, data);
      if (factors) addProduct(rows, factors, shape[1]!, firstRow, scale);
      yield rows;
    }
  }
  // Numbers that are finite may have a sum that the base's type cannot hold.
  const finite = (data: Bytes): Bytes => {
    if (firstNotFinite(storageOf(dtype), data.buffer) < 0) return data;
    throw new CheckpointError(
      `tensor ${name} with its adapter has a number that is too large for ${dtype}, the type of the ` +
        'base; save the base in float32, or use another adapter',
    );
  };
  async function* bytes(): AsyncGenerator<Bytes> {
    if (factors) for await (const rows of values()) yield finite(toBytes(rows, dtype));
    else for await (const { data } of file.parts(name)) yield new Uint8Array(data);
  }
  return { name, shape, dtype, values, bytes };
}

/* eslint-disable @typescript-eslint/require-await -- one piece in the shape of a stream */
const inMemory = (name: string, shape: readonly number[], all: Float32Array): MergedTensor => ({
  ...{ name, shape, dtype: 'F32' },
  async *values() {
    yield all;
  },
  async *bytes() {
    yield toBytes(all, 'F32');
  },
});
/* eslint-enable @typescript-eslint/require-await */

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

const storageOf = (dtype: Dtype): 'f32' | 'f16' | 'bf16' =>
  dtype === 'F32' ? 'f32' : dtype === 'F16' ? 'f16' : 'bf16';

function toBytes(values: Float32Array, dtype: Dtype): Bytes {
  const storage = storageOf(dtype);
  const data = storage === 'f32' ? values : encodeHalves(storage, values);
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
