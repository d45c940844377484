import { layerTypes, readSliding, windowOf, type Family } from './family.ts';
import type { Fields } from './fields.ts';
import { layeredRope, layeredRopeToJson } from './rope.ts';

/**
 * Gemma 3, text only. Its norms multiply by 1 + weight, and stand before and behind both parts of a
 * layer; query and key heads have norms; the gate is GELU; embeddings are multiplied by sqrt(hidden);
 * five of six layers slide, with a rotary embedding of their own.
 */
export const gemma3: Family = {
  modelType: 'gemma3_text',
  causal: 'Gemma3ForCausalLM',
  reward: 'Gemma3TextForSequenceClassification',
  defaults: { maxPositions: 131072, tieWordEmbeddings: true, headDim: 256 },
  activationField: 'hidden_activation',
  rope: layeredRope({ full: 1e6, sliding: 1e4, slidingField: 'rope_local_base_freq' }),
  read: (fields, { layers, hiddenSize }) => {
    refuse(fields);
    const pattern = fields.size('sliding_window_pattern', 6);
    const sliding = readSliding(fields, layers, (layer) => (layer + 1) % pattern !== 0);
    return {
      norms: {
        inputNorm: 'input_layernorm',
        attentionOutNorm: 'post_attention_layernorm',
        postNorm: 'pre_feedforward_layernorm',
        feedForwardOutNorm: 'post_feedforward_layernorm',
      },
      normsAddOne: true,
      qkNorm: 'head',
      attentionScale: fields.size('query_pre_attn_scalar', 256) ** -0.5,
      // transformers rounds it to the type it computes in, which here is float32.
      embeddingScale: Math.fround(Math.sqrt(hiddenSize)),
      ...windowOf(fields.size('sliding_window', 4096), sliding),
    };
  },
  write: (config) => ({
    hidden_activation: config.activation === 'gelu_tanh' ? 'gelu_pytorch_tanh' : 'silu',
    // transformers takes a whole number only; the power is not exact.
    query_pre_attn_scalar: Math.round(config.attentionScale! ** -2),
    sliding_window: config.window ?? 4096,
    layer_types: layerTypes(config, config.layers),
    ...layeredRopeToJson(config),
  }),
};

/** Features of the class that no published text model uses. */
function refuse(fields: Fields): void {
  for (const field of ['final_logit_softcapping', 'attn_logit_softcapping']) {
    if (fields.has(field)) throw fields.unsupported(field, 'null');
  }
  if (fields.has('use_bidirectional_attention') && fields.flag('use_bidirectional_attention')) {
    throw fields.unsupported('use_bidirectional_attention', 'false');
  }
}
