import { withoutWindow, type Family } from './family.ts';
import { ropeOf } from './rope.ts';

/** The family that the others are compared with. */
export const llama: Family = {
  modelType: 'llama',
  causal: 'LlamaForCausalLM',
  reward: 'LlamaForSequenceClassification',
  defaults: { maxPositions: 2048 },
  rope: ropeOf(),
  read: withoutWindow,
};
