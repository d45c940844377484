/** Rotary position embedding: the frequencies. The rotation itself is a kernel. */
import type { Rope, RopeScaling } from './families/rope.ts';

/** Its frequencies are those of the longest sequence of a batch. */
export const dependsOnLength = ({ ropeScaling }: Rope): boolean =>
  ropeScaling?.type === 'dynamic' || ropeScaling?.type === 'longrope';

/** Rotated elements are multiplied by it. */
export const attentionFactor = ({ ropeScaling }: Rope): number =>
  ropeScaling && 'attentionFactor' in ropeScaling ? ropeScaling.attentionFactor : 1;

/**
 * [dim / 2] radians per position: theta^(-2i / dim), where dim elements of a head are rotated. A
 * scaling stretches them for longer contexts, as modeling_rope_utils.py of Hugging Face does.
 * @param length tokens of the longest sequence, for which some scalings differ
 */
export function inverseFrequencies(
  { ropeTheta, ropeScaling: scaling }: Rope,
  dim: number,
  length = 0,
): number[] {
  const powers = (theta: number): number[] =>
    Array.from({ length: dim / 2 }, (_, i) => theta ** ((-2 * i) / dim));
  const plain = powers(ropeTheta);
  switch (scaling?.type) {
    case undefined:
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'dynamic': {
      const { factor, originalMaxPositionEmbeddings: original } = scaling;
      const stretch = (factor * Math.max(length, original)) / original - (factor - 1);
      return powers(ropeTheta * stretch ** (dim / (dim - 2)));
    }
    case 'llama3':
      return llama3(plain, scaling);
    case 'yarn':
      return yarn(plain, scaling, ropeTheta, dim);
    case 'longrope': {
      const { shortFactor, longFactor, originalMaxPositionEmbeddings } = scaling;
      const factors = length > originalMaxPositionEmbeddings ? longFactor : shortFactor;
      return plain.map((frequency, i) => frequency / factors[i]!);
    }
  }
}

type Of<T extends RopeScaling['type']> = Extract<RopeScaling, { type: T }>;

/**
 * A frequency that makes fewer than lowFreqFactor turns in the original context is divided by
 * `factor`, one that makes more than highFreqFactor turns stays, and between the two they are blended.
 */
function llama3(plain: readonly number[], scaling: Of<'llama3'>): number[] {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return plain.map((frequency) => {
    const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
    if (turns > highFreqFactor) return frequency;
    if (turns < lowFreqFactor) return frequency / factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  });
}

/**
 * YaRN (Peng et al. 2023, arXiv 2309.00071): the frequencies that make more than betaFast turns in
 * the original context stay, those with fewer than betaSlow are divided by `factor`, and between the
 * two a ramp over their index blends them.
 */
function yarn(plain: readonly number[], scaling: Of<'yarn'>, theta: number, dim: number): number[] {
  const { factor, betaFast, betaSlow, truncate, originalMaxPositionEmbeddings } = scaling;
  const indexOf = (turns: number): number =>
    (dim * Math.log(originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const round = (f: (x: number) => number, x: number): number => (truncate ? f(x) : x);
  const low = Math.max(round(Math.floor, indexOf(betaFast)), 0);
  const end = Math.min(round(Math.ceil, indexOf(betaSlow)), dim - 1);
  const high = end === low ? end + 0.001 : end;
  return plain.map((frequency, i) => {
    const stretched = Math.min(Math.max((i - low) / (high - low), 0), 1);
    return (frequency / factor) * stretched + frequency * (1 - stretched);
  });
}
