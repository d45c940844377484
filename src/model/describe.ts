/** What a model folder holds, without loading it: the config, and the headers of the weight files. */
import { openWeights, readConfig, weightStorage } from './checkpoint.ts';
import type { ModelConfig } from './config.ts';
import type { CheckpointFolder } from './files.ts';
import type { WeightStorage } from './parameters.ts';

export interface ModelFacts {
  config: ModelConfig;
  /** How many numbers there are to train. */
  parameters: number;
  /** Element types in the files. */
  dtypes: string[];
  /** How the weights are kept on the GPU when they do not train. */
  storage: WeightStorage;
}

/** @throws CheckpointError for whatever would keep the model from being loaded */
export async function describeModel(folder: CheckpointFolder): Promise<ModelFacts> {
  const config = await readConfig(folder);
  const tensors = await openWeights(folder, config);
  return {
    config,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    storage: weightStorage(tensors),
  };
}
