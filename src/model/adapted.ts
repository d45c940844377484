/** A checkpoint folder that is a model's, or an adapter's together with its base's. */
import type { Gpu } from '../gpu/device.ts';
import { loadModel, type LoadOptions } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';
import type { CheckpointFolder } from './files.ts';
import type { LanguageModel } from './language-model.ts';
import { readAdapter, readAdapterConfig, type StoredAdapter } from './peft.ts';

export type OpenFolder = (path: string) => Promise<CheckpointFolder>;

export interface Checkpoint {
  /** config.json and the weights. */
  base: CheckpointFolder;
  adapter?: { folder: CheckpointFolder; config: StoredAdapter };
  /** Where the tokenizer is: an adapter may bring its own. */
  tokenizer: CheckpointFolder;
}

/** @param base where an adapter's base is, when it is not where the adapter says */
export async function openCheckpoint(
  folder: CheckpointFolder,
  openFolder: OpenFolder,
  base?: string,
): Promise<Checkpoint> {
  const config = await readAdapterConfig(folder);
  if (!config) return { base: folder, tokenizer: folder };
  const path = base ?? config.base;
  if (path === undefined) {
    throw new CheckpointError(`${folder.name} does not name its base model; say where it is`);
  }
  const opened = await openFolder(path).catch((error: unknown) => {
    throw new CheckpointError(
      `${folder.name} is an adapter for ${path}, which cannot be opened (${String(error)})`,
    );
  });
  const own = (await folder.open('tokenizer.json')) !== undefined;
  return { base: opened, adapter: { folder, config }, tokenizer: own ? folder : opened };
}

/** Loads weights that do not train, and the adapter on top of them. */
export async function loadCheckpoint(
  gpu: Gpu,
  { base, adapter }: Checkpoint,
  options: Pick<LoadOptions, 'quantised'> = {},
): Promise<LanguageModel> {
  const model = await loadModel(gpu, base, { ...options, lora: adapter?.config });
  if (adapter) {
    const { trainable } = model;
    trainable.setTensors(await readAdapter(adapter.folder, trainable.layout));
  }
  return model;
}
