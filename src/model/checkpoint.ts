/** A model as a Hugging Face folder: config.json, model.safetensors and its tokenizer's files. */
import { configToJson, type ModelConfig } from './config.ts';
import type { TensorMap } from './language-model.ts';
import type { ParameterLayout } from './parameters.ts';
import { writeSafetensors } from './safetensors.ts';

/** File name -> contents. */
export type CheckpointFiles = ReadonlyMap<string, string | Uint8Array<ArrayBuffer>>;

export function encodeCheckpoint(
  config: ModelConfig,
  layout: ParameterLayout,
  weights: TensorMap,
  tokenizerFiles: CheckpointFiles,
): CheckpointFiles {
  const tensors = new Map(
    [...layout.parameters].map(([name, { shape }]) => [
      name,
      { shape, values: weights.get(name) as Float32Array },
    ]),
  );
  return new Map<string, string | Uint8Array<ArrayBuffer>>([
    ...tokenizerFiles,
    ['config.json', JSON.stringify(configToJson(config), null, 2) + '\n'],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
}
