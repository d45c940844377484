/** What a model folder has, without loading it: from the config and the headers of the weights. */
import { openWeights, readConfig, weightStorage } from './checkpoint.ts';
import type { ModelConfig } from './config.ts';
import type { CheckpointFolder } from './files.ts';
import type { WeightStorage } from './parameters.ts';
import { elementCount } from './safetensors-header.ts';

export interface ModelFacts {
  config: ModelConfig;
  /** The number of parameters. */
  parameters: number;
  /** Element types in the files. */
  dtypes: string[];
  /** How the weights are stored on the GPU when they are frozen. */
  storage: WeightStorage;
}

/** @throws CheckpointError when the model could not be loaded */
export async function describeModel(folder: CheckpointFolder): Promise<ModelFacts> {
  const config = await readConfig(folder);
  const tensors = await openWeights(folder, config);
  return {
    config,
    parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    storage: weightStorage(tensors),
  };
}
