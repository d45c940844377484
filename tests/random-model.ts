/** Small random checkpoints of every family, for parity tests. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gpu } from '../src/gpu/device.ts';
import { decode, encode, type Storage } from '../src/gpu/storage.ts';
import { configToJson, type ModelConfig } from '../src/model/config.ts';
import { LanguageModel } from '../src/model/language-model.ts';
import { layoutAdapter } from '../src/model/lora.ts';
import type { TensorMap } from '../src/model/parameter-pool.ts';
import { layoutParameters } from '../src/model/parameters.ts';
import { encodeAdapter, type LoraConfig } from '../src/model/peft.ts';
import { Random } from '../src/rl/random.ts';
import { worldTokenizerFiles } from '../src/rl/world/tokenizer-files.ts';
import { writeSafetensors } from './safetensors.ts';

const base: ModelConfig = {
  family: 'llama',
  kind: 'causal',
  vocabSize: 83,
  hiddenSize: 24,
  intermediateSize: 36,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
  maxPositions: 128,
  tieWordEmbeddings: true,
  eosTokenIds: [1],
  padTokenId: 0,
};

/** One config for each difference between families, and between checkpoints of a family. */
export const CONFIGS: Record<string, ModelConfig> = {
  'llama, tied': base,
  'llama, untied, llama3 rope scaling': {
    ...base,
    tieWordEmbeddings: false,
    ropeTheta: 500000,
    ropeScaling: {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 16,
    },
  },
  'qwen2, biases': { ...base, family: 'qwen2', attentionBias: true, heads: 6, hiddenSize: 48 },
  'qwen3, head norms, head_dim apart': {
    ...base,
    family: 'qwen3',
    qkNorm: 'head',
    headDim: 16,
    kvHeads: 1,
    rmsNormEps: 1e-6,
  },
};

/** Sizes whose rows can be stored in blocks of 32. */
export const wide: ModelConfig = {
  ...CONFIGS['llama, untied, llama3 rope scaling']!,
  ...{ hiddenSize: 64, intermediateSize: 96, headDim: 16, heads: 4, kvHeads: 2 },
};

export const asReward = (config: ModelConfig): ModelConfig => ({
  ...config,
  kind: 'reward',
  tieWordEmbeddings: true,
});

export function randomTensors(config: ModelConfig, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  return new Map(
    [...layoutParameters(config).parameters.values()].map(({ name, shape }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const isNorm = name.includes('norm');
      return [
        name,
        // Large enough that attention and gates are far from their linear range.
        Float32Array.from({ length: count }, () => random.normal() * 0.25 + (isNorm ? 1 : 0)),
      ];
    }),
  );
}

/** The factors of an adapter, none of them zero. */
export function randomFactors(config: ModelConfig, lora: LoraConfig): Map<string, Float32Array> {
  const random = new Random(11);
  return new Map(
    [...layoutAdapter(config, lora).parameters.values()].map(({ name, shape }) => [
      name,
      Float32Array.from({ length: shape[0]! * shape[1]! }, () => 0.3 * random.normal()),
    ]),
  );
}

/** The base's tensors in float64 with (alpha / r) B A added to every adapted projection. */
export function merged(
  tensors: TensorMap,
  factors: ReadonlyMap<string, ArrayLike<number>>,
  { r, alpha }: LoraConfig,
): Map<string, Float64Array> {
  const all = new Map([...tensors].map(([name, x]) => [name, Float64Array.from(x)]));
  for (const [name, a] of factors) {
    if (!name.includes('lora_A')) continue;
    const b = factors.get(name.replace('lora_A', 'lora_B'))!;
    const weight = all.get(name.replace('base_model.model.', '').replace('.lora_A', ''))!;
    const width = a.length / r;
    weight.forEach((_, i) => {
      const [row, col] = [Math.floor(i / width), i % width];
      let sum = 0;
      for (let k = 0; k < r; k++) sum += b[row * r + k]! * a[k * width + col]!;
      weight[i]! += (alpha / r) * sum;
    });
  }
  return all;
}

/** The tensors after they were stored in that format. */
export function stored(config: ModelConfig, tensors: TensorMap, layers: Storage, tables: Storage) {
  const { parameters, blocks } = layoutParameters(config, {
    layers,
    tables: tables as 'f16' | 'bf16',
  });
  return new Map(
    [...tensors].map(([name, values]) => {
      const { storage } = blocks.get(parameters.get(name)!.block)!;
      const data = encode(storage, values);
      return [name, decode(storage, data.buffer.slice(0, data.byteLength) as ArrayBuffer)];
    }),
  );
}

export function randomModel(
  gpu: Gpu,
  config: ModelConfig,
  seed = 1,
): { model: LanguageModel; tensors: Map<string, Float32Array> } {
  const model = LanguageModel.allocate(gpu, config);
  const tensors = randomTensors(config, seed);
  model.weights.setTensors(tensors);
  return { model, tensors };
}

export function randomIds(config: ModelConfig, count: number, seed: number): number[] {
  const random = new Random(seed, 'ids');
  return Array.from({ length: count }, () => 2 + random.below(config.vocabSize - 2));
}

/** A model folder with the tokenizer of the built-in world. */
export async function saveModel(
  folder: string,
  config: ModelConfig,
  tensors: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const { parameters } = layoutParameters(config);
  await mkdir(folder, { recursive: true });
  const texts = { 'config.json': configToJson(config), ...worldTokenizerFiles() };
  for (const [file, json] of Object.entries(texts)) {
    await writeFile(join(folder, file), JSON.stringify(json));
  }
  const stored = new Map(
    [...tensors].map(([name, values]) => [name, { shape: parameters.get(name)!.shape, values }]),
  );
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors(stored));
}

/** An adapter's folder, without a tokenizer; `number` makes each number of its factors. */
export async function saveAdapter(
  folder: string,
  config: ModelConfig,
  lora: LoraConfig,
  number: () => number,
): Promise<void> {
  const factors = [...layoutAdapter(config, lora).parameters].map(([name, { shape }]) => {
    const values = Float32Array.from({ length: shape[0]! * shape[1]! }, number);
    return [name, { shape, values }] as const;
  });
  await mkdir(folder, { recursive: true });
  for (const [file, data] of encodeAdapter(lora, writeSafetensors(new Map(factors)))) {
    await writeFile(join(folder, file), data);
  }
}
