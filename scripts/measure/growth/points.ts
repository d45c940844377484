/** The sizes at which growth is measured: one base, and one size at a time that doubles from it. */
import type { ModelConfig } from '../../../src/model/config.ts';

export interface Point {
  /** Completions of one step, in groups of GROUP per prompt. */
  batch: number;
  /** Tokens of a prompt and a completion together; a quarter of them is the prompt. */
  length: number;
  depth: number;
  /** Hidden size, a multiple of HEAD_DIM. The feed-forward layer is 8/3 as wide. */
  width: number;
  vocabulary: number;
}

export type Axis = keyof Point;
export const AXES: readonly Axis[] = ['batch', 'length', 'depth', 'width', 'vocabulary'];

export const GROUP = 8;
const HEAD_DIM = 64;

/** Near SmolLM2-135M, for counts. */
export const COUNTED: Record<Axis, readonly number[]> = {
  batch: [16, 32, 64, 128, 256],
  length: [128, 256, 512, 1024, 2048, 4096],
  depth: [4, 8, 16, 32, 64],
  width: [192, 384, 768, 1536, 3072],
  vocabulary: [8192, 16384, 32768, 65536, 131072, 262144],
};
export const COUNTED_BASE: Point = {
  batch: 64,
  length: 256,
  depth: 32,
  width: 576,
  vocabulary: 49152,
};

/** Small enough that a software adapter gets through. */
export const TIMED: Record<Axis, readonly number[]> = {
  batch: [8, 16, 32, 64],
  length: [32, 64, 128, 256],
  depth: [2, 4, 8, 16],
  width: [64, 128, 256, 512],
  vocabulary: [1024, 2048, 4096, 8192],
};
export const TIMED_BASE: Point = { batch: 16, length: 64, depth: 4, width: 128, vocabulary: 2048 };

export function modelOf({ depth, width, vocabulary }: Point): ModelConfig {
  const heads = width / HEAD_DIM;
  return {
    family: 'llama',
    kind: 'causal',
    vocabSize: vocabulary,
    hiddenSize: width,
    intermediateSize: 8 * Math.round(width / 3),
    layers: depth,
    heads,
    kvHeads: heads % 3 === 0 ? heads / 3 : heads,
    headDim: HEAD_DIM,
    rmsNormEps: 1e-5,
    ropeTheta: 10000,
    maxPositions: 131072,
    tieWordEmbeddings: true,
    eosTokenIds: [],
    padTokenId: 0,
  };
}
