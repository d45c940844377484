/** What a model folder has, without loading it: from the config and the headers of the weights. */
import type { Checkpoint } from './adapted.ts';
import { readConfig } from './checkpoint.ts';
import { asRewardConfig, type ModelConfig } from './config.ts';
import type { CheckpointFolder } from './files.ts';
import { layerKind } from './layer-kinds.ts';
import { openWeights, weightStorage } from './open-weights.ts';
import type { WeightStorage } from './parameters.ts';
import type { LoraConfig } from './peft.ts';
import { elementCount, type Dtype } from './safetensors-header.ts';

export interface ModelFacts {
  config: ModelConfig;
  /** config.json ties the head to the embedding, but the files have a head of other values. */
  ownHead: boolean;
  /** The number of parameters. */
  parameters: number;
  /** Element types in the files. */
  dtypes: string[];
  /** How the weights are stored on the GPU when they are frozen. */
  storage: WeightStorage;
}

const SHOWN: Partial<Record<Dtype, string>> = { BLOCK8: 'int8', BLOCK4: 'int4' };

/** @throws CheckpointError when the model could not be loaded */
export async function describeModel(folder: CheckpointFolder): Promise<ModelFacts> {
  const read = await readConfig(folder);
  const { config, tensors } = await openWeights(folder, read);
  return {
    config,
    ownHead: read.tieWordEmbeddings && !config.tieWordEmbeddings,
    parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtypes: [...new Set(tensors.map(({ dtype }) => SHOWN[dtype] ?? dtype))],
    storage: weightStorage(tensors),
  };
}

/** Windows, layers without rotation and rotary scaling of a model, in words; empty if it has none. */
export function attentionWords(config: ModelConfig): string {
  const kinds = Array.from({ length: config.layers }, (_, layer) => layerKind(config, layer));
  const windows = kinds.filter(({ window }) => window !== undefined).length;
  const still = kinds.filter(({ rope }) => rope === 'none').length;
  const { window, ropeScaling: scaling, layers } = config;
  return [
    ...(windows > 0 ? [`window of ${window} tokens in ${windows} of ${layers} layers`] : []),
    ...(still > 0 ? [`no rotary embedding in ${still} of ${layers} layers`] : []),
    ...(scaling ? [`rotary scaling ${scaling.type}`] : []),
  ].join(', ');
}

/** The facts of a model or of an adapter's base; the config is that of the model with its adapter. */
export async function describeCheckpoint({
  base,
  adapter,
}: Pick<Checkpoint, 'base' | 'adapter'>): Promise<ModelFacts & { lora?: LoraConfig }> {
  const facts = await describeModel(base);
  if (!adapter) return facts;
  const { config: lora } = adapter;
  const config = lora.task === 'SEQ_CLS' ? asRewardConfig(facts.config) : facts.config;
  return { ...facts, config, lora };
}
