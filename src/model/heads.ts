/**
 * The two heads, which read the hidden states of the target rows:
 * - log-probs: log p(target) and the entropy of the distribution. The vocabulary is taken in chunks:
 *   logits [targets, vocab] never exist. The backward pass recomputes the logits of each chunk (as
 *   Cut Cross-Entropy does, Wijmans et al. 2024, arXiv 2411.09009).
 * - score: one number per target row, for reward models.
 * N: token rows, M: target rows, D: hidden size.
 */
import type { Activation } from '../gpu/activations.ts';
import type { Bindable, Dyn, Op } from '../gpu/kernel.ts';
import { again } from '../gpu/kernel.ts';
import { fill } from '../gpu/kernels/fill.ts';
import { gatherBackward } from '../gpu/kernels/gather-backward.ts';
import { gather } from '../gpu/kernels/gather.ts';
import { logprobBackward, logprobChunk, logprobFinish } from '../gpu/kernels/logprob.ts';
import { matmulNormed } from '../gpu/kernels/matmul-normed.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import type { Slice } from '../gpu/kernels/matmul-places.ts';
import { rmsNorm, rmsNormBackward } from '../gpu/kernels/rms-norm.ts';
import type { Memory } from '../gpu/memory.ts';
import type { BatchDims, Chunk, HeadBuffers } from './head-buffers.ts';
import type { LanguageModel } from './language-model.ts';
import { linearBackward, linearForward, type Linear } from './linear.ts';
import type { ParameterPool } from './parameter-pool.ts';

const targets = (d: BatchDims): number => d.targets;

/** hidden [N, D] -> the target rows [M, D], normed. */
function pick(model: LanguageModel<Memory>, h: HeadBuffers, hidden: Activation): Op<BatchDims>[] {
  const { hiddenSize: cols, rmsNormEps: eps } = model.config;
  return [
    gather({ table: hidden, ids: h.rows, out: h.picked, rows: targets, cols, label: 'pick' }),
    rmsNorm({
      x: h.picked,
      weight: model.weights.block('norm'),
      y: h.normed,
      rows: targets,
      cols,
      eps,
    }),
  ];
}

/** d loss / d normed rows [M, D] -> d loss / d hidden [N, D], which is overwritten. */
function unpick(
  model: LanguageModel<Memory>,
  gradients: ParameterPool,
  h: HeadBuffers,
  dHidden: Activation,
): Op<BatchDims>[] {
  const { hiddenSize: cols, rmsNormEps: eps } = model.config;
  return [
    ...rmsNormBackward<BatchDims>({
      x: h.picked,
      weight: model.weights.block('norm'),
      dy: h.dNormed,
      dx: h.dPicked,
      dWeight: gradients.find('norm'),
      partials: h.partials,
      rows: targets,
      cols,
      eps,
    }),
    fill({ x: dHidden, count: (d) => d.tokens * cols, value: 0 }),
    gatherBackward({
      dOut: h.dPicked,
      ...h.owners.lists,
      dTable: dHidden,
      owners: (d) => d.rowOwners,
      cols,
      label: 'd-pick',
    }),
  ];
}

function chunkLogits(model: LanguageModel<Memory>, h: HeadBuffers, chunk: Chunk): Op<BatchDims> {
  return matmul({
    layout: 'nt',
    a: h.normed,
    b: headRows(model, model.weights, chunk),
    c: h.logits,
    m: targets,
    n: chunk.count,
    k: model.config.hiddenSize,
    ...logitScale(model),
    label: 'logits',
  });
}

/** The factor of the logits, where the model has one. */
const logitScale = ({
  config: { logitScale: scale },
}: LanguageModel<Memory>): { scale?: number } => (scale === undefined ? {} : { scale });

/** A chunk's rows of the head, or of its gradient. */
function headRows(model: LanguageModel<Memory>, pool: ParameterPool, { piece, row }: Chunk): Slice {
  const stride = model.config.hiddenSize;
  return { of: pool.pieces(model.headBlock)[piece]!.view, offset: row * stride, stride };
}

/** logits [N, V] of normed rows [N, D], for callers that need all of them at once. */
export function allLogits<D>(
  model: LanguageModel<Memory>,
  normed: Bindable,
  logits: Bindable,
  rows: Dyn<D>,
): Op<D>[] {
  const { hiddenSize: k, vocabSize } = model.config;
  return model.weights.pieces(model.headBlock).map(({ view, firstRow, rows: n }) =>
    matmul<D>({
      layout: 'nt',
      a: normed,
      b: view,
      c: { of: logits, offset: firstRow, stride: vocabSize },
      m: rows,
      n,
      k,
      ...logitScale(model),
      label: 'logits',
    }),
  );
}

/** The same of hidden [N, D], as a decoding step needs them; normed: [N, D], scratch. */
export function nextLogits<D>(
  model: LanguageModel<Memory>,
  hidden: Bindable,
  normed: Bindable,
  logits: Bindable,
  rows: Dyn<D>,
): Op<D>[] {
  const { hiddenSize: k, vocabSize, rmsNormEps: eps } = model.config;
  return model.weights.pieces(model.headBlock).map(({ view, firstRow, rows: n }) =>
    matmulNormed<D>({
      x: hidden,
      norm: { weight: model.weights.block('norm'), eps },
      normed,
      b: view,
      c: { of: logits, offset: firstRow, stride: vocabSize },
      m: rows,
      n,
      k,
      ...logitScale(model),
      label: 'logits',
    }),
  );
}

/** hidden [N, D] -> log-probs and entropies [M] in `h.values` and `h.entropy`. */
export function logprobForward(
  model: LanguageModel<Memory>,
  h: HeadBuffers,
  hidden: Activation,
): Op<BatchDims>[] {
  return [
    ...pick(model, h, hidden),
    ...h.chunks.flatMap((chunk, i) => [
      chunkLogits(model, h, chunk),
      logprobChunk<BatchDims>({
        logits: h.logits,
        targets: h.ids,
        state: h.state,
        rows: targets,
        chunkStart: chunk.from,
        chunkCols: chunk.count,
        first: i === 0 ? 1 : 0,
        inverseTemperature: (d) => d.inverseTemperature,
      }),
    ]),
    logprobFinish({
      state: h.state,
      logp: h.values,
      entropy: h.entropy,
      lse: h.lse,
      rows: targets,
    }),
  ];
}

/**
 * `h.dValues` and `h.dEntropy` [M] -> d loss / d hidden [N, D], which is overwritten; adds to the
 * gradients of the head and the norm, if they train.
 */
export function logprobHeadBackward(
  model: LanguageModel<Memory>,
  gradients: ParameterPool,
  h: HeadBuffers,
  dHidden: Activation,
): Op<BatchDims>[] {
  const k = model.config.hiddenSize;
  return [
    ...h.chunks.flatMap((chunk, i) => [
      again(chunkLogits(model, h, chunk)),
      logprobBackward<BatchDims>({
        logits: h.logits,
        targets: h.ids,
        lse: h.lse,
        entropy: h.entropy,
        dLogp: h.dValues,
        dEntropy: h.dEntropy,
        rows: targets,
        chunkStart: chunk.from,
        chunkCols: chunk.count,
        inverseTemperature: (d) => d.inverseTemperature,
      }),
      matmul<BatchDims>({
        layout: 'nn',
        a: h.logits,
        b: headRows(model, model.weights, chunk),
        c: h.dNormed,
        m: targets,
        n: k,
        k: chunk.count,
        accumulate: i > 0,
        ...logitScale(model),
        label: 'd-logits-input',
      }),
      ...(gradients.has(model.headBlock)
        ? [
            matmul<BatchDims>({
              layout: 'tn',
              a: h.logits,
              b: h.normed,
              c: headRows(model, gradients, chunk),
              m: chunk.count,
              n: k,
              k: targets,
              accumulate: true,
              ...logitScale(model),
              label: 'd-head-weight',
            }),
          ]
        : []),
    ]),
    ...unpick(model, gradients, h, dHidden),
  ];
}

/** With a classifier's adapter the score head trains, so it is in the pool of the adapter. */
function scoreLinear(model: LanguageModel<Memory>): Linear {
  const weight = model.trainable.find('score') ?? model.weights.block('score');
  return { weight, in: model.config.hiddenSize, out: 1 };
}

/** hidden [N, D] -> scores [M] in `h.values`. */
export function scoreForward(
  model: LanguageModel<Memory>,
  h: HeadBuffers,
  hidden: Activation,
): Op<BatchDims>[] {
  const x = { linear: scoreLinear(model), x: h.normed, rows: targets };
  return [
    ...pick(model, h, hidden),
    ...linearForward<BatchDims>({ ...x, y: h.values, label: 'score' }),
  ];
}

/** `h.dValues` [M] -> d loss / d hidden [N, D], as `logprobHeadBackward`. */
export function scoreHeadBackward(
  model: LanguageModel<Memory>,
  gradients: ParameterPool,
  h: HeadBuffers,
  dHidden: Activation,
): Op<BatchDims>[] {
  return [
    ...linearBackward<BatchDims>({
      linear: scoreLinear(model),
      gradients: { weight: gradients.find('score') },
      rows: targets,
      x: h.normed,
      dy: h.dValues,
      dx: h.dNormed,
    }),
    ...unpick(model, gradients, h, dHidden),
  ];
}
