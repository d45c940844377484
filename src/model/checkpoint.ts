/** A model as a Hugging Face folder: config.json, model.safetensors and its tokenizer's files. */
import type { Gpu } from '../gpu/device.ts';
import { asRewardConfig, configToJson, parseConfig, type ModelConfig } from './config.ts';
import { ConfigFields } from './config-fields.ts';
import { CheckpointError } from './errors.ts';
import {
  readJson,
  requireJson,
  weightFiles,
  type CheckpointFolder,
  type FileContents,
} from './files.ts';
import { LanguageModel } from './language-model.ts';
import { layoutParameters, type WeightStorage } from './parameters.ts';
import { encodeAdapter, SCORE_TENSOR, type LoraConfig } from './peft.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';
import { loadTensors, placesOf, saveTensors } from './weight-transfer.ts';

/** File name -> contents. */
export type CheckpointFiles = ReadonlyMap<string, FileContents>;

/** The end tokens are those of generation_config.json, if it has any, as in transformers. */
export async function readConfig(folder: CheckpointFolder): Promise<ModelConfig> {
  const config = parseConfig(
    await requireJson(folder, 'config.json'),
    `${folder.name}/config.json`,
  );
  const generation = await readJson(folder, GENERATION_CONFIG);
  if (!generation) return config;
  const fields = new ConfigFields(generation, `${folder.name}/${GENERATION_CONFIG}`);
  if (!fields.has('eos_token_id')) return config;
  return { ...config, eosTokenIds: fields.tokenIds('eos_token_id', config.vocabSize) };
}

export const GENERATION_CONFIG = 'generation_config.json';

export interface LoadOptions {
  /** An adapter to train on top of the weights. */
  lora?: LoraConfig | undefined;
  /** The matrices of the layers are quantised as they are loaded. */
  quantised?: 'int8' | 'int4' | undefined;
  /** Called with the share of the weights that has been uploaded, from 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
}

/**
 * Loads a folder's weights, tensor by tensor, into a model with the folder's config. With a
 * classifier's adapter, a causal checkpoint becomes a reward model whose score head is zero. The
 * weights are frozen: they keep the type in which the files store them, unless `quantised` is
 * given.
 * @throws CheckpointError when the folder has no complete model
 */
export async function loadModel(
  gpu: Gpu,
  folder: CheckpointFolder,
  { lora, quantised, onProgress }: LoadOptions = {},
): Promise<LanguageModel> {
  const read = await readConfig(folder);
  const config = lora?.task === 'SEQ_CLS' ? asRewardConfig(read) : read;
  const tensors = await openWeights(folder, config, read.kind === 'causal');
  const storage = weightStorage(tensors, quantised);
  const model = LanguageModel.allocate(gpu, config, { storage, lora });
  try {
    await fill(model, tensors, onProgress);
  } catch (error) {
    model.destroy();
    throw error;
  }
  return model;
}

/** How frozen weights are stored on the GPU. */
export function weightStorage(
  tensors: readonly StoredTensor[],
  quantised?: 'int8' | 'int4',
): WeightStorage {
  const typeOf = (pattern: RegExp): 'f32' | 'f16' | 'bf16' => {
    const dtypes = tensors.filter(({ name }) => pattern.test(name)).map(({ dtype }) => dtype);
    // Mixed types are stored as f32.
    if (dtypes.includes('F32') || new Set(dtypes).size !== 1) return 'f32';
    return dtypes[0] === 'F16' ? 'f16' : 'bf16';
  };
  return { layers: quantised ?? typeOf(/_proj\.weight$/), tables: typeOf(/embed_tokens|lm_head/) };
}

export const SCORE = 'score.weight';

function fill(
  { gpu, weights, lora }: LanguageModel,
  tensors: readonly StoredTensor[],
  onProgress?: (share: number) => void,
): Promise<void> {
  // With a classifier's adapter, the score head is trained too, starting from the checkpoint's.
  const head = lora?.config.task === 'SEQ_CLS' ? lora.pool : undefined;
  const places = tensors.map(({ name, file }) =>
    name === SCORE && head
      ? { name, file, pool: head, tensor: SCORE_TENSOR }
      : { name, file, pool: weights, tensor: name },
  );
  return loadTensors(gpu, places, onProgress);
}

/**
 * Fills `model` from the folder's weight files. With `newScoreHead` a causal checkpoint becomes a
 * reward model, whose score head stays as it is (zeros).
 */
export async function loadWeights(
  model: LanguageModel,
  folder: CheckpointFolder,
  newScoreHead = false,
  onProgress?: (share: number) => void,
): Promise<void> {
  await fill(model, await openWeights(folder, model.config, newScoreHead), onProgress);
}

/**
 * Opens the folder's weight files and compares what they hold with what `config` asks for, before
 * any weight is read.
 * @throws CheckpointError for a tensor that is missing, unknown, or of another shape
 */
export async function openWeights(
  folder: CheckpointFolder,
  config: ModelConfig,
  newScoreHead = false,
): Promise<StoredTensor[]> {
  const { parameters } = layoutParameters(config);
  const found = new Map<string, StoredTensor>();
  for (const source of await weightFiles(folder)) {
    const file = await SafetensorsFile.open(source);
    for (const [name, { shape, dtype }] of file.tensors) {
      if (isUnused(config, name)) continue;
      checkShape(folder.name, name, shape, parameters.get(name)?.shape);
      found.set(name, { name, shape, dtype, file });
    }
  }
  const missing = [...parameters.keys()].filter(
    (name) => !found.has(name) && !(newScoreHead && name === SCORE),
  );
  if (missing.length > 0) {
    throw new CheckpointError(
      `${folder.name} has no tensor ${missing[0]} (${missing.length} of ${parameters.size} are ` +
        'missing); choose a complete checkpoint',
    );
  }
  return [...found.values()];
}

function checkShape(
  folder: string,
  name: string,
  shape: readonly number[],
  wanted: readonly number[] | undefined,
): void {
  if (!wanted) {
    throw new CheckpointError(
      `${folder} has a tensor ${name}, which its config.json has no place for; ` +
        'take both files from the same checkpoint',
    );
  }
  if (shape.join() !== wanted.join()) {
    throw new CheckpointError(
      `${folder}: tensor ${name} has shape [${shape.join(', ')}] but config.json asks for ` +
        `[${wanted.join(', ')}]; take both files from the same checkpoint`,
    );
  }
}

/** Tensors that some checkpoints carry although the model does not read them. */
function isUnused(config: ModelConfig, name: string): boolean {
  if (name === 'lm_head.weight') return config.kind === 'reward' || config.tieWordEmbeddings;
  return name.endsWith('rotary_emb.inv_freq');
}

/** The config and weights of a model as files, or those of its adapter if that is trained. */
export function checkpointFiles({ gpu, config, lora, trainable }: LanguageModel): CheckpointFiles {
  const weights = saveTensors(gpu, placesOf(trainable));
  if (lora) return encodeAdapter(lora.config, weights);
  return new Map<string, FileContents>([
    ['config.json', JSON.stringify(configToJson(config), null, 2) + '\n'],
    ['model.safetensors', weights],
  ]);
}
