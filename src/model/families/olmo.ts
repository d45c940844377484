/**
 * OLMo 2 and 3: Llama whose norms stand behind attention and behind the feed-forward part, with norms
 * over all query heads and over all key heads. OLMo 3 slides in three of four layers.
 */
import {
  layerTypes,
  readSliding,
  windowOf,
  withoutWindow,
  type Differences,
  type Family,
} from './family.ts';
import { layeredRope, ropeOf, layeredRopeToJson } from './rope.ts';

const behind = {
  qkNorm: 'all',
  norms: {
    attentionOutNorm: 'post_attention_layernorm',
    feedForwardOutNorm: 'post_feedforward_layernorm',
  },
} as const satisfies Differences;

export const olmo2: Family = {
  modelType: 'olmo2',
  causal: 'Olmo2ForCausalLM',
  reward: 'Olmo2ForSequenceClassification',
  defaults: { maxPositions: 2048, rmsNormEps: 1e-5 },
  rope: ropeOf(),
  read: (fields) => ({ ...behind, ...withoutWindow(fields) }),
};

export const olmo3: Family = {
  modelType: 'olmo3',
  causal: 'Olmo3ForCausalLM',
  reward: 'Olmo3ForSequenceClassification',
  defaults: { maxPositions: 2048, rmsNormEps: 1e-5 },
  rope: layeredRope({ full: 5e5, sliding: 5e5 }),
  read: (fields, { layers }) => ({
    ...behind,
    ...windowOf(
      fields.size('sliding_window', 4096),
      readSliding(fields, layers, (layer) => (layer + 1) % 4 !== 0),
    ),
  }),
  write: (config) => ({
    sliding_window: config.window ?? 4096,
    layer_types: layerTypes(config, config.layers),
    ...layeredRopeToJson(config),
  }),
};
