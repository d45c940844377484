/** What a model folder has, without loading it: from the config and the headers of the weights. */
import type { Checkpoint } from './adapted.ts';
import { readConfig } from './checkpoint.ts';
import { asRewardConfig, type ModelConfig } from './config.ts';
import type { CheckpointFolder } from './files.ts';
import type { RopeScaling } from './families/rope.ts';
import { layerKind, rotaryDim, type LayerKind } from './layer-kinds.ts';
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

/** Windows and rotary embeddings that are not Llama's, in words; empty if there are none. */
export function attentionWords(config: ModelConfig): string {
  const kinds = Array.from({ length: config.layers }, (_, layer) => layerKind(config, layer));
  const layers = (fits: (kind: LayerKind) => boolean): string =>
    `in ${kinds.filter(fits).length} of ${config.layers} layers`;
  const { window, slidingRope, headDim } = config;
  const slides = slidingRope !== undefined && kinds.some(({ rope }) => rope === 'sliding');
  const rotated = rotaryDim(config);
  const words: string[] = [];
  if (kinds.some((kind) => kind.window !== undefined)) {
    words.push(`window of ${window} tokens ${layers((kind) => kind.window !== undefined)}`);
  }
  if (kinds.some(({ rope }) => rope === 'none')) {
    words.push(`no rotary embedding ${layers(({ rope }) => rope === 'none')}`);
  }
  if (rotated < headDim)
    words.push(`rotary embedding of ${rotated} of ${headDim} elements of a head`);
  if (config.ropeScaling) {
    const where = slides ? ` ${layers(({ rope }) => rope === 'full')}` : '';
    words.push(scalingWords(config.ropeScaling) + where);
  }
  if (slides && slidingRope.ropeTheta !== config.ropeTheta) {
    words.push(`rotary base ${slidingRope.ropeTheta} ${layers(({ rope }) => rope === 'sliding')}`);
  }
  if (slides && slidingRope.ropeScaling) {
    words.push(
      `${scalingWords(slidingRope.ropeScaling)} ${layers(({ rope }) => rope === 'sliding')}`,
    );
  }
  return words.join(', ');
}

function scalingWords(scaling: RopeScaling): string {
  const factor = 'factor' in scaling ? ` by ${scaling.factor}` : '';
  const from =
    'originalMaxPositionEmbeddings' in scaling
      ? ` from ${scaling.originalMaxPositionEmbeddings} positions`
      : '';
  return `rotary scaling ${scaling.type}${factor}${from}`;
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
