/** The programs of a training step at one point, planned without a device or on one. */
import type { Op } from '../../../src/gpu/kernel.ts';
import type { Memory } from '../../../src/gpu/memory.ts';
import { allocateOptimizer } from '../../../src/model/adamw.ts';
import { planBatch } from '../../../src/model/batch-runner.ts';
import {
  packBatch,
  seenKeys,
  type PackedBatch,
  type TokenGroup,
} from '../../../src/model/batch.ts';
import { planDecoder } from '../../../src/model/decoder-plan.ts';
import type { DecodeDims, DecoderLimits, SamplingOptions } from '../../../src/model/decoder-ops.ts';
import type { BatchDims } from '../../../src/model/head-buffers.ts';
import { LanguageModel } from '../../../src/model/language-model.ts';
import { GROUP, modelOf, type Point } from './points.ts';

interface StepPrograms {
  forward: Op<BatchDims>[];
  backward: Op<BatchDims>[];
  /** One token of every sequence. */
  decode: Op<DecodeDims>[];
}

/** Allocates all that training at `point` needs in `memory`. */
export function planStep(memory: Memory, point: Point, recompute: boolean): StepPrograms {
  const model = LanguageModel.allocate(memory, modelOf(point));
  const { gradients } = allocateOptimizer(model);
  const { decodeOps } = planDecoder(model, decoderLimits(point));
  const { forward, backward } = planBatch(model, { ...batchLimits(point), recompute }, gradients);
  return { forward, backward, decode: decodeOps };
}

const promptLength = ({ length }: Point): number => length / 4;
const completionLength = (point: Point): number => point.length - promptLength(point);

export function decoderLimits(point: Point): DecoderLimits {
  return {
    maxSequences: point.batch,
    maxPromptTokens: (point.batch / GROUP) * promptLength(point),
    maxNewTokens: completionLength(point),
  };
}

export function batchLimits(point: Point): { maxTokens: number; maxTargets: number } {
  const { maxSequences, maxPromptTokens, maxNewTokens } = decoderLimits(point);
  const maxTargets = maxSequences * maxNewTokens;
  return { maxTokens: maxPromptTokens + maxTargets, maxTargets };
}

/** Groups of the full length, so that a batch is as large as its limits. */
export function groupsOf(point: Point): TokenGroup[] {
  const token = (i: number): number => (7919 * i) % point.vocabulary;
  const tokens = (count: number, from: number): number[] =>
    Array.from({ length: count }, (_, i) => token(from + i));
  return Array.from({ length: point.batch / GROUP }, (_, group) => ({
    prompt: tokens(promptLength(point), group),
    completions: Array.from({ length: GROUP }, (_, i) =>
      tokens(completionLength(point), group + i),
    ),
  }));
}

export function batchOf(point: Point): PackedBatch {
  return packBatch(groupsOf(point), 'completion');
}

export function batchDims(batch: PackedBatch): BatchDims {
  return {
    tokens: batch.tokens,
    pairs: seenKeys(batch.spans),
    targets: batch.targetRows.length,
    idOwners: new Set(batch.ids).size,
    rowOwners: new Set(batch.targetRows).size,
    inverseTemperature: 1,
  };
}

export const SAMPLING: SamplingOptions = {
  ...{ temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 1 },
};

/** The last token of every completion. */
export function decodeDims(point: Point): DecodeDims {
  const pairs = point.batch * (point.length - 1);
  return { tokens: point.batch, pairs, step: completionLength(point) - 1, sampling: SAMPLING };
}
