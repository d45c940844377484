/** Shapes of published checkpoints, from their config.json. */
import type { ModelConfig } from '../../../src/model/config.ts';

interface Sizes {
  hidden: number;
  inner: number;
  layers: number;
  heads: number;
  kvHeads: number;
  vocabulary: number;
  untied?: boolean;
  headDim?: number;
}

function model(family: ModelConfig['family'], sizes: Sizes): ModelConfig {
  const { hidden, heads } = sizes;
  return {
    family,
    kind: 'causal',
    vocabSize: sizes.vocabulary,
    hiddenSize: hidden,
    intermediateSize: sizes.inner,
    layers: sizes.layers,
    heads,
    kvHeads: sizes.kvHeads,
    headDim: sizes.headDim ?? hidden / heads,
    rmsNormEps: 1e-5,
    ropeTheta: 500000,
    maxPositions: 131072,
    tieWordEmbeddings: !sizes.untied,
    attentionBias: family === 'qwen2',
    ...(family === 'qwen3' && { qkNorm: 'head' }),
    eosTokenIds: [2],
    padTokenId: 0,
  };
}

/** [hidden, inner, layers, heads, kvHeads, vocabulary] */
type Row = readonly [number, number, number, number, number, number];
const sizes = (row: Row, more: Partial<Sizes> = {}): Sizes => {
  const [hidden, inner, layers, heads, kvHeads, vocabulary] = row;
  return { hidden, inner, layers, heads, kvHeads, vocabulary, ...more };
};

/** By size. */
export const FAMILIES: Readonly<Record<string, ModelConfig>> = {
  'SmolLM2 135M': model('llama', sizes([576, 1536, 30, 9, 3, 49152])),
  'SmolLM2 360M': model('llama', sizes([960, 2560, 32, 15, 5, 49152])),
  'Qwen2.5 0.5B': model('qwen2', sizes([896, 4864, 24, 14, 2, 151936])),
  'Llama 3.2 1B': model('llama', sizes([2048, 8192, 16, 32, 8, 128256])),
  'Qwen2.5 1.5B': model('qwen2', sizes([1536, 8960, 28, 12, 2, 151936])),
  'SmolLM2 1.7B': model('llama', sizes([2048, 8192, 24, 32, 32, 49152])),
  'Qwen2.5 3B': model('qwen2', sizes([2048, 11008, 36, 16, 2, 151936])),
  'Llama 3.2 3B': model('llama', sizes([3072, 8192, 28, 24, 8, 128256])),
  'Qwen2.5 7B': model('qwen2', sizes([3584, 18944, 28, 28, 4, 152064], { untied: true })),
  'Llama 3.1 8B': model('llama', sizes([4096, 14336, 32, 32, 8, 128256], { untied: true })),
  'Qwen2.5 14B': model('qwen2', sizes([5120, 13824, 48, 40, 8, 152064], { untied: true })),
  'Qwen2.5 32B': model('qwen2', sizes([5120, 27648, 64, 40, 8, 152064], { untied: true })),
};
