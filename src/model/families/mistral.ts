import type { Family } from './family.ts';
import { ropeOf } from './rope.ts';

/** Llama with a window in every layer. Without the field there is one of 4096 tokens, with null none. */
export const mistral: Family = {
  modelType: 'mistral',
  causal: 'MistralForCausalLM',
  reward: 'MistralForSequenceClassification',
  defaults: { maxPositions: 131072 },
  rope: ropeOf(),
  read: (fields) =>
    fields.get('sliding_window') === null ? {} : { window: fields.size('sliding_window', 4096) },
  write: ({ window }) => ({ sliding_window: window ?? null }),
};
