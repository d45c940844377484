/** A checkpoint: the folder of a model, or the folder of an adapter and that of its base. */
import type { Gpu } from '../gpu/device.ts';
import { readAdapterConfig } from './adapter-config.ts';
import { loadModel, readConfig, type LoadOptions } from './checkpoint.ts';
import { asRewardConfig, type ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import type { CheckpointFolder } from './files.ts';
import type { LanguageModel } from './language-model.ts';
import { layoutAdapter } from './lora.ts';
import { openAdapter } from './open-adapter.ts';
import type { LoraConfig } from './peft.ts';
import type { StoredTensor } from './safetensors.ts';
import { loadTensors } from './weight-transfer.ts';

type OpenFolder = (path: string) => Promise<CheckpointFolder>;

export interface Checkpoint {
  /** config.json and the weights. */
  base: CheckpointFolder;
  adapter?: { folder: CheckpointFolder; config: LoraConfig };
  /** The folder of the tokenizer: an adapter may have its own. */
  tokenizer: CheckpointFolder;
}

/**
 * @param base path of an adapter's base, if it is not the one that adapter_config.json names
 * @throws CheckpointError when the base is not named or cannot be opened
 */
export async function openCheckpoint(
  folder: CheckpointFolder,
  openFolder: OpenFolder,
  base?: string,
): Promise<Checkpoint> {
  const config = await readAdapterConfig(folder);
  if (!config) return { base: folder, tokenizer: folder };
  const path = base ?? config.base;
  if (path === undefined) {
    throw new CheckpointError(
      `${folder.name}/adapter_config.json does not name the adapter's base; ` +
        'set base_model_name_or_path to it',
    );
  }
  const opened = await openFolder(path).catch((error: unknown) => {
    throw new CheckpointError(
      `${folder.name} is an adapter for ${path}, which cannot be opened (${(error as Error).message})`,
    );
  });
  const own = (await folder.open('tokenizer.json')) !== undefined;
  return { base: opened, adapter: { folder, config }, tokenizer: own ? folder : opened };
}

/** The config of the base; that of a reward model if the adapter is a classifier's. */
export async function checkpointConfig({
  base,
  adapter,
}: Pick<Checkpoint, 'base' | 'adapter'>): Promise<ModelConfig> {
  const config = await readConfig(base);
  return adapter?.config.task === 'SEQ_CLS' ? asRewardConfig(config) : config;
}

/**
 * Loads the weights, which are frozen, and the adapter on top of them.
 * @throws CheckpointError before any weight is read when the adapter is for another base
 */
export async function loadCheckpoint(
  gpu: Gpu,
  { base, adapter }: Checkpoint,
  options: Omit<LoadOptions, 'lora'> = {},
): Promise<LanguageModel> {
  const factors = adapter && (await openFactors(base, adapter));
  const model = await loadModel(gpu, base, { ...options, lora: adapter?.config });
  return factors ? withFactors(model, factors) : model;
}

/**
 * A model with another adapter over the weights of a loaded model, which still owns them.
 * @throws CheckpointError when the adapter is for another base
 */
export async function withAdapter(
  model: LanguageModel,
  base: CheckpointFolder,
  adapter: NonNullable<Checkpoint['adapter']>,
): Promise<LanguageModel> {
  const factors = await openFactors(base, adapter);
  return withFactors(model.withAdapter(adapter.config), factors);
}

async function withFactors(
  model: LanguageModel,
  factors: readonly StoredTensor[],
): Promise<LanguageModel> {
  const pool = model.trainable;
  const places = factors.map(({ name, file }) => ({ name, file, pool, tensor: name }));
  try {
    await loadTensors(model.gpu, places);
  } catch (error) {
    model.destroy();
    throw error;
  }
  return model;
}

async function openFactors(
  base: CheckpointFolder,
  { folder, config }: NonNullable<Checkpoint['adapter']>,
): Promise<StoredTensor[]> {
  const model = await checkpointConfig({ base, adapter: { folder, config } });
  return openAdapter(folder, config, layoutAdapter(model, config));
}
