/** A model as a Hugging Face folder: config.json, model.safetensors and its tokenizer's files. */
import type { Gpu } from '../gpu/device.ts';
import { configToJson, parseConfig, type ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import { requireJson, weightFiles, type CheckpointFolder } from './files.ts';
import { LanguageModel, type TensorMap } from './language-model.ts';
import { layoutParameters, type ParameterLayout } from './parameters.ts';
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
 * Fills `model` from the folder's weight files. With `newScoreHead` a causal checkpoint becomes a
 * reward model, whose score head stays as it is (zeros).
 */
export async function loadWeights(
  model: LanguageModel,
  folder: CheckpointFolder,
  newScoreHead = false,
): Promise<void> {
  for (const { file, name } of await openWeights(folder, model.config, newScoreHead)) {
    model.setTensor(name, await file.read(name));
  }
}

export interface StoredTensor {
  name: string;
  shape: readonly number[];
  dtype: string;
  file: SafetensorsFile;
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
    (name) => !found.has(name) && !(newScoreHead && name === 'score.weight'),
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
