/** A model as a Hugging Face folder: config.json, model.safetensors and its tokenizer's files. */
import type { Gpu } from '../gpu/device.ts';
import { asRewardConfig, configToJson, parseConfig, type ModelConfig } from './config.ts';
import { ConfigFields } from './config-fields.ts';
import { readJson, requireJson, type CheckpointFolder, type FileContents } from './files.ts';
import { LanguageModel } from './language-model.ts';
import { targetsOf } from './lora.ts';
import { openWeights, SCORE, weightStorage } from './open-weights.ts';
import { ALL_F32 } from './parameters.ts';
import { encodeAdapter, SCORE_TENSOR, type LoraConfig } from './peft.ts';
import type { StoredTensor } from './safetensors.ts';
import { loadTensors, saveTensors, weightPlaces } from './weight-transfer.ts';

/** File name -> contents. */
export type CheckpointFiles = ReadonlyMap<string, FileContents>;

/**
 * The end tokens are those of generation_config.json, else those of config.json. transformers 5 takes none
 * where generation_config.json is there and names none; a text ends with the model's own all the same here.
 */
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
  /** A causal checkpoint becomes a reward model, whose score head is zero. */
  as?: 'reward' | undefined;
  /** All weights are stored in f32, so that they can be trained. */
  trainable?: boolean;
  /** The matrices of the layers are quantised as they are loaded. */
  quantised?: 'int8' | 'int4' | undefined;
  /** Called with the share of the weights that has been uploaded, from 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
}

/**
 * Loads a folder's weights, tensor by tensor, into a model with the folder's config. With a
 * classifier's adapter, a causal checkpoint becomes a reward model whose score head is zero. The
 * weights are frozen: they keep the type in which the files store them, unless `trainable` or
 * `quantised` is given.
 * @throws CheckpointError when the folder has no complete model
 */
export async function loadModel(
  gpu: Gpu,
  folder: CheckpointFolder,
  { lora, as, trainable, quantised, onProgress }: LoadOptions = {},
): Promise<LanguageModel> {
  const read = await readConfig(folder);
  const wanted = as === 'reward' || lora?.task === 'SEQ_CLS' ? asRewardConfig(read) : read;
  const { config, tensors } = await openWeights(folder, wanted, read.kind === 'causal');
  const storage = trainable ? ALL_F32 : weightStorage(tensors, quantised);
  const model = LanguageModel.allocate(gpu, config, { storage, lora });
  try {
    await fill(model, tensors, onProgress);
  } catch (error) {
    model.destroy();
    throw error;
  }
  return model;
}

function fill(
  { gpu, weights, lora }: LanguageModel,
  tensors: readonly StoredTensor[],
  onProgress?: (share: number) => void,
): Promise<void> {
  const { parameters } = weights.layout;
  // With a classifier's adapter, the score head is trained too, starting from the checkpoint's.
  const head = lora?.config.task === 'SEQ_CLS' ? lora.pool : undefined;
  const places = tensors.map(({ name, file }) =>
    name === SCORE && head
      ? { name, file, pool: head, tensor: SCORE_TENSOR }
      : { name, file, pool: weights, tensor: name, addOne: parameters.get(name)!.addOne },
  );
  return loadTensors(gpu, places, onProgress);
}

/** The config and weights of a model as files, or those of its adapter if that is trained. */
export function checkpointFiles({ gpu, config, lora, trainable }: LanguageModel): CheckpointFiles {
  const weights = saveTensors(gpu, weightPlaces(trainable));
  if (lora) {
    return encodeAdapter({ ...lora.config, targets: targetsOf(config, lora.config) }, weights);
  }
  return new Map<string, FileContents>([
    ['config.json', JSON.stringify(configToJson(config), null, 2) + '\n'],
    ['model.safetensors', weights],
  ]);
}
