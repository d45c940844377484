import { withoutWindow, type Family } from './family.ts';
import { ropeOf } from './rope.ts';

/** Llama with four multipliers. transformers has no classifier of this family. */
export const granite: Family = {
  modelType: 'granite',
  causal: 'GraniteForCausalLM',
  reward: 'GraniteForSequenceClassification',
  defaults: { maxPositions: 2048 },
  rope: ropeOf(),
  read: (fields) => ({
    ...withoutWindow(fields),
    embeddingScale: fields.positive('embedding_multiplier', 1),
    residualScale: fields.positive('residual_multiplier', 1),
    attentionScale: fields.positive('attention_multiplier', 1),
    logitScale: 1 / fields.positive('logits_scaling', 1),
  }),
  write: (config) => ({
    embedding_multiplier: config.embeddingScale,
    residual_multiplier: config.residualScale,
    attention_multiplier: config.attentionScale,
    logits_scaling: 1 / config.logitScale!,
  }),
};
