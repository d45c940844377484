/** Rotary position embedding: the frequencies. The rotation itself is a kernel. */
import type { ModelConfig } from './config.ts';

/**
 * [headDim / 2] radians per position: theta^(-2i / headDim). With llama3 scaling, a frequency that
 * makes fewer than lowFreqFactor turns in the original context is divided by `factor`, one that
 * makes more than highFreqFactor turns stays, and between the two they are blended linearly
 * (`_compute_llama3_parameters` in Hugging Face's modeling_rope_utils.py).
 */
export function inverseFrequencies(
  config: Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
): number[] {
  const { headDim, ropeTheta, ropeScaling } = config;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (!ropeScaling) return plain;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = ropeScaling;
  return plain.map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    if (turns > highFreqFactor) return frequency;
    if (turns < lowFreqFactor) return frequency / factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  });
}
