import type { Family } from './family.ts';
import { ropeOf, ropeToJson } from './rope.ts';

/**
 * Llama with q, k and v in one tensor and gate and up in one, which may rotate a part of each head
 * (Phi-4-mini) and may have a window in every layer (Phi-3-mini).
 */
export const phi3: Family = {
  modelType: 'phi3',
  causal: 'Phi3ForCausalLM',
  reward: 'Phi3ForSequenceClassification',
  defaults: { maxPositions: 4096, rmsNormEps: 1e-5 },
  rope: ropeOf({
    partial: true,
    // Older files call longrope "su" or, wrongly, "yarn".
    aliases: { su: 'longrope', yarn: 'longrope' },
    original: 4096,
  }),
  read: (fields) => ({
    fused: true,
    ...(fields.has('sliding_window') && { window: fields.size('sliding_window') }),
  }),
  write: ({ window, rotaryDim, headDim, ...rope }) => ({
    sliding_window: window ?? null,
    partial_rotary_factor: (rotaryDim ?? headDim) / headDim,
    ...ropeToJson(rope),
    ...(rope.ropeScaling?.type === 'longrope' && {
      original_max_position_embeddings: rope.ropeScaling.originalMaxPositionEmbeddings,
    }),
  }),
};
