/** A model as a Hugging Face folder: config.json, model.safetensors and its tokenizer's files. */
import type { Gpu } from '../gpu/device.ts';
import { configToJson, parseConfig, type ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import { requireJson, weightFiles, type CheckpointFolder } from './files.ts';
import { LanguageModel, type TensorMap } from './language-model.ts';
import type { ParameterLayout } from './parameters.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';

/** File name -> contents. */
export type CheckpointFiles = ReadonlyMap<string, string | Uint8Array<ArrayBuffer>>;

export async function readConfig(folder: CheckpointFolder): Promise<ModelConfig> {
  return parseConfig(await requireJson(folder, 'config.json'), `${folder.name}/config.json`);
}

/** As a reward model: a causal checkpoint gets a score head in place of its language-model head. */
export function asRewardConfig(config: ModelConfig): ModelConfig {
  return { ...config, kind: 'reward' };
}

/** Loads a folder's weights, tensor by tensor, into a model of its own config. */
export async function loadModel(gpu: Gpu, folder: CheckpointFolder): Promise<LanguageModel> {
  const model = new LanguageModel(gpu, await readConfig(folder));
  await loadWeights(model, folder);
  return model;
}

/**
 * Fills `model` from the folder's weight files; a missing tensor is refused. With `newScoreHead` a
 * causal checkpoint becomes a reward model, whose score head stays as it is (zeros).
 */
export async function loadWeights(
  model: LanguageModel,
  folder: CheckpointFolder,
  newScoreHead = false,
): Promise<void> {
  const missing = new Set(model.layout.parameters.keys());
  for (const source of await weightFiles(folder)) {
    const file = await SafetensorsFile.open(source);
    for (const [name, { shape }] of file.tensors) {
      if (isUnused(model.config, name)) continue;
      model.setTensor(name, shape, await file.read(name));
      missing.delete(name);
    }
  }
  if (newScoreHead) missing.delete('score.weight');
  const [first] = missing;
  if (first !== undefined) {
    throw new CheckpointError(
      `${folder.name} has no tensor ${first} (${missing.size} of ` +
        `${model.layout.parameters.size} are missing); choose a complete checkpoint`,
    );
  }
}

/** Tensors that some checkpoints carry although the model does not read them. */
function isUnused(config: ModelConfig, name: string): boolean {
  if (name === 'lm_head.weight') return config.kind === 'reward' || config.tieWordEmbeddings;
  return name.endsWith('rotary_emb.inv_freq');
}

export function encodeCheckpoint(
  config: ModelConfig,
  layout: ParameterLayout,
  weights: TensorMap,
  tokenizerFiles: CheckpointFiles,
): CheckpointFiles {
  const tensors = new Map(
    [...layout.parameters].map(([name, { shape }]) => [
      name,
      { shape, values: weights.get(name) as Float32Array<ArrayBuffer> },
    ]),
  );
  return new Map<string, string | Uint8Array<ArrayBuffer>>([
    ...tokenizerFiles,
    ['config.json', JSON.stringify(configToJson(config), null, 2) + '\n'],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
}
