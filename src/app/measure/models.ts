/** The shapes of the random models that are measured. */
import type { Gpu } from '../../gpu/device.ts';
import type { ModelConfig } from '../../model/config.ts';
import { LanguageModel, type ModelOptions } from '../../model/language-model.ts';
import { layoutParameters } from '../../model/parameters.ts';
import { elementCount } from '../../model/safetensors-header.ts';
import { pattern } from './arithmetic.ts';

const llama = {
  family: 'llama',
  kind: 'causal',
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
  maxPositions: 8192,
  tieWordEmbeddings: true,
  // Nothing ends a sequence, so that every measurement writes as many tokens.
  eosTokenIds: [],
} as const;

type Sizes = Pick<
  ModelConfig,
  'vocabSize' | 'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'kvHeads' | 'headDim'
>;

export function llamaOf(sizes: Sizes): ModelConfig {
  return { ...llama, eosTokenIds: [], ...sizes };
}

/** SmolLM2-135M. */
export const smol135M = llamaOf({
  ...{ vocabSize: 49152, hiddenSize: 576, intermediateSize: 1536, layers: 30 },
  ...{ heads: 9, kvHeads: 3, headDim: 64 },
});

/** For adapters on which the other would take minutes. */
export const small2M = llamaOf({
  ...{ vocabSize: 2048, hiddenSize: 192, intermediateSize: 512, layers: 4 },
  ...{ heads: 3, kvHeads: 3, headDim: 64 },
});

/** "30 layers of 576 (1536), 9 heads (3) of 64, 49152 tokens" */
export function sizesOfModel(c: ModelConfig): string {
  return (
    `${c.layers} layers of ${c.hiddenSize} (${c.intermediateSize}), ` +
    `${c.heads} heads (${c.kvHeads}) of ${c.headDim}, ${c.vocabSize} tokens`
  );
}

/** Numbers of the matrices that each token is multiplied by, the head included. */
export function matrixNumbers(c: ModelConfig): number {
  const attention = c.hiddenSize * (2 * c.heads + 2 * c.kvHeads) * c.headDim;
  const feedForward = 3 * c.hiddenSize * c.intermediateSize;
  return c.layers * (attention + feedForward) + c.hiddenSize * c.vocabSize;
}

export function parameterCount(config: ModelConfig): number {
  const { parameters } = layoutParameters(config);
  return [...parameters.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** Weights that keep the size of what passes through: norms 1, matrices of variance 1 / fan-in. */
export function* randomTensors(config: ModelConfig): Generator<[string, Float32Array]> {
  let seed = 10;
  for (const { name, shape } of layoutParameters(config).parameters.values()) {
    const values = pattern(elementCount(shape), seed++);
    // A uniform number in [-1, 1) has variance 1 / 3.
    const scale = name.includes('embed') ? 0.05 : Math.sqrt(3 / (shape[1] ?? 1));
    yield [name, name.includes('norm') ? values.fill(1) : values.map((x) => scale * x)];
  }
}

export function randomModel(gpu: Gpu, config: ModelConfig, options: ModelOptions): LanguageModel {
  const model = LanguageModel.allocate(gpu, config, options);
  for (const [name, values] of randomTensors(config)) model.weights.setTensor(name, values);
  return model;
}
