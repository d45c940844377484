/**
 * What is done with the hidden states of the target rows. Two heads:
 * - log-probs: log p(target) and the entropy of the distribution, the vocabulary taken in chunks so
 *   that [targets, vocab] never exists; the backward pass recomputes each chunk's logits
 *   (as Liger's fused linear cross-entropy does, arXiv 2410.10989).
 * - score: one number per target row, for reward models.
 * M: target rows, D: hidden size.
 */
import { Activation } from '../gpu/activations.ts';
import type { Bindable, Dyn, Op } from '../gpu/kernel.ts';
import { again } from '../gpu/kernel.ts';
import { fill } from '../gpu/kernels/fill.ts';
import { gatherBackward } from '../gpu/kernels/gather-backward.ts';
import { gather } from '../gpu/kernels/gather.ts';
import { logprobBackward, logprobChunk, logprobFinish } from '../gpu/kernels/logprob.ts';
import { matmul, type Slice } from '../gpu/kernels/matmul.ts';
import { normPartials, rmsNorm, rmsNormBackward } from '../gpu/kernels/rms-norm.ts';
import type { Memory } from '../gpu/memory.ts';
import type { LanguageModel } from './language-model.ts';
import type { RowDims } from './layers.ts';
import { linearBackward, linearForward, type Linear } from './linear.ts';
import type { ParameterPool } from './parameter-pool.ts';

export interface BatchDims extends RowDims {
  /** Target rows. */
  targets: number;
  /** Distinct token ids in the batch, and distinct target rows: the owners of the gathers' gradients. */
  idOwners: number;
  rowOwners: number;
  /** 1 / temperature. */
  inverseTemperature: number;
}

/** Rows grouped by the table row they were gathered from (see kernels/gather.ts). */
export class OwnerLists {
  readonly order: Activation;
  readonly starts: Activation;
  readonly targets: Activation;
  constructor(label: string, rows: number) {
    this.order = new Activation(`${label}.order`, rows, true);
    this.starts = new Activation(`${label}.starts`, rows + 1, true);
    this.targets = new Activation(`${label}.targets`, rows, true);
  }

  get lists(): { order: Activation; starts: Activation; targets: Activation } {
    return { order: this.order, starts: this.starts, targets: this.targets };
  }
}

export class HeadBuffers {
  readonly rows: Activation; // [M] which token row
  readonly ids: Activation; // [M] the token to predict
  readonly owners: OwnerLists;
  readonly picked: Activation; // [M, D]
  readonly normed: Activation; // [M, D]
  readonly dNormed: Activation;
  readonly dPicked: Activation;
  readonly partials: Activation;
  readonly logits: Activation; // [M, chunk]
  readonly state: Activation; // [M, 4]
  readonly lse: Activation; // [M]
  /** [M] log-probs, or scores. */
  readonly values: Activation;
  readonly entropy: Activation; // [M]
  readonly dValues: Activation; // [M]
  readonly dEntropy: Activation; // [M]
  readonly chunks: readonly Chunk[];

  constructor(model: LanguageModel<Memory>, maxTargets: number) {
    const { hiddenSize: d, vocabSize } = model.config;
    const make = (name: string, elements: number, pinned = false): Activation =>
      new Activation(`head.${name}`, elements, pinned);
    const chunk = chunkSize(vocabSize, maxTargets);
    this.chunks = model.config.kind === 'causal' ? cutHead(model, chunk) : [];
    this.rows = make('rows', maxTargets, true);
    this.ids = make('ids', maxTargets, true);
    this.owners = new OwnerLists('head', maxTargets);
    this.picked = make('picked', maxTargets * d);
    this.normed = make('normed', maxTargets * d);
    this.dNormed = make('dNormed', maxTargets * d);
    this.dPicked = make('dPicked', maxTargets * d);
    this.partials = make('partials', normPartials(maxTargets, d));
    this.logits = make('logits', maxTargets * chunk);
    this.state = make('state', maxTargets * 4);
    this.lse = make('lse', maxTargets);
    this.values = make('values', maxTargets, true);
    this.entropy = make('entropy', maxTargets, true);
    this.dValues = make('dValues', maxTargets, true);
    this.dEntropy = make('dEntropy', maxTargets, true);
  }
}

/** Vocabulary entries from..from + count, all in one piece of the head. */
interface Chunk {
  from: number;
  count: number;
  piece: number;
  /** The first of them in its piece. */
  row: number;
}

function cutHead(model: LanguageModel<Memory>, size: number): Chunk[] {
  return model.weights.pieces(model.headBlock).flatMap(({ firstRow, rows }, piece) =>
    Array.from({ length: Math.ceil(rows / size) }, (_, i) => ({
      from: firstRow + i * size,
      count: Math.min(size, rows - i * size),
      piece,
      row: i * size,
    })),
  );
}

/** At most half the vocabulary, and at most 64 MiB of logits. */
function chunkSize(vocabSize: number, maxTargets: number): number {
  const fit = Math.floor(2 ** 24 / maxTargets / 64) * 64;
  return Math.max(64, Math.min(fit, Math.ceil(vocabSize / 2 / 64) * 64));
}

const targets = (d: BatchDims): number => d.targets;

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

/** d loss / d normed rows -> d loss / d hidden, which is overwritten. */
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
    label: 'logits',
  });
}

/** A chunk's rows of the head, or of its gradient. */
function headRows(model: LanguageModel<Memory>, pool: ParameterPool, { piece, row }: Chunk): Slice {
  const stride = model.config.hiddenSize;
  return { of: pool.pieces(model.headBlock)[piece]!.view, offset: row * stride, stride };
}

/** logits [N, V] of normed rows [N, D], for where all of them are wanted at once. */
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
      label: 'logits',
    }),
  );
}

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
              label: 'd-head-weight',
            }),
          ]
        : []),
    ]),
    ...unpick(model, gradients, h, dHidden),
  ];
}

function scoreLinear(model: LanguageModel<Memory>): Linear {
  return { weight: model.weights.block('score'), in: model.config.hiddenSize, out: 1 };
}

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
