/**
 * The forward pass of one transformer layer as a list of GPU operations, written out by hand.
 * layer-backward.ts is its backward pass. Shapes in comments: N token rows, D hidden size, H query
 * heads, K key/value heads, d head size, F feed-forward width, R width of a linear layer's adapter.
 */
import { Activation } from '../gpu/activations.ts';
import type { Bindable, Op } from '../gpu/kernel.ts';
import { attention } from '../gpu/kernels/attention.ts';
import { copy } from '../gpu/kernels/copy.ts';
import { rmsNorm } from '../gpu/kernels/rms-norm.ts';
import { rope } from '../gpu/kernels/rope.ts';
import { swiglu } from '../gpu/kernels/swiglu.ts';
import type { View } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { adapterForward, linearForward, linearOutput, type Linear } from './linear.ts';
import { normsOf, rotaryDim } from './layer-kinds.ts';
import { adapterWidth, type LoraConfig } from './lora.ts';
import type { NormPart, VectorPart } from './parameters.ts';
import { LINEAR_PARTS, type LinearPart } from './projections.ts';
import type { RopeTable } from './rope-tables.ts';

/** The sizes on which every replay of a model's program depends. */
export interface RowDims {
  /** Token rows. */
  tokens: number;
  /**
   * The number of (row, key) pairs in the spans of these rows; it counts flops, and decides which
   * kernels of decoding attend.
   */
  pairs?: number;
  /** The same of layers with a window. */
  windowPairs?: number;
}

/** The token, position and span of each row; the host writes them before a replay. */
export interface RowInputs {
  readonly ids: Bindable;
  readonly positions: Bindable;
  readonly spans: Bindable;
  /** The spans of layers with a window; absent where the model has none. */
  readonly windowSpans?: Bindable;
}

/** What a layer has of its own: its weights by part, its rotary embedding and its window. */
export interface LayerWeights {
  vector(part: VectorPart): View;
  linear(part: LinearPart): Linear;
  readonly rope: RopeTable;
  /** false: queries and keys stay as they are. */
  readonly rotates: boolean;
  /** A token attends to so many tokens, itself included; undefined: to all before it. */
  readonly window: number | undefined;
}

/** Sizes that the ops of a layer share. */
export interface LayerShape {
  readonly config: ModelConfig;
  /** Activation memory is planned for this many token rows. */
  readonly maxTokens: number;
  readonly lora: LoraConfig | undefined;
}

export const qWidth = (c: ModelConfig): number => c.heads * c.headDim;
export const kvWidth = (c: ModelConfig): number => c.kvHeads * c.headDim;
export const qkvWidth = (c: ModelConfig): number => qWidth(c) + 2 * kvWidth(c);

/** The activations of a layer; its backward pass reads all but `output`. */
export interface LayerSaved {
  input: Activation; // [N, D]
  inputNormed: Activation; // [N, D], the same as input if no norm stands there
  qkv: Activation; // [N, (H + 2K) d], rotated
  qkvRaw: Activation; // [N, (H + 2K) d], before the norms of q and k, else the same as qkv
  attended: Activation; // [N, H d]
  lse: Activation; // [N, H]
  attentionOut: Activation; // [N, D], where a norm stands behind attention
  middle: Activation; // [N, D]
  middleNormed: Activation; // [N, D], the same as middle if no norm stands there
  gateUp: Activation; // [N, 2F]
  inner: Activation; // [N, F]
  feedForwardOut: Activation; // [N, D], where a norm stands behind the feed-forward part
  output: Activation; // [N, D]
  /** [N, R] x A^T of the linear layers that have an adapter. */
  adapted: Partial<Record<LinearPart, Activation>>;
}

export const rows = (d: RowDims): number => d.tokens;

/** The activations of one layer; `input` is the output of the layer before. */
export function layerActivations(shape: LayerShape, layer: number, input: Activation): LayerSaved {
  const { config: c, maxTokens: n } = shape;
  const make = (name: string, width: number): Activation =>
    new Activation(`${layer}.${name}`, n * width);
  const { inputNorm, postNorm } = normsOf(c);
  const qkv = make('qkv', qkvWidth(c));
  const middle = make('middle', c.hiddenSize);
  return {
    input,
    inputNormed: inputNorm ? make('inputNormed', c.hiddenSize) : input,
    qkv,
    qkvRaw: c.qkNorm ? make('qkvRaw', qkvWidth(c)) : qkv,
    attended: make('attended', qWidth(c)),
    lse: make('lse', c.heads),
    attentionOut: make('attentionOut', c.hiddenSize),
    middle,
    middleNormed: postNorm ? make('middleNormed', c.hiddenSize) : middle,
    gateUp: make('gateUp', 2 * c.intermediateSize),
    inner: make('inner', c.intermediateSize),
    feedForwardOut: make('feedForwardOut', c.hiddenSize),
    output: make('output', c.hiddenSize),
    adapted: adapterActivations(shape, `${layer}.adapted`),
  };
}

/** A buffer of [N, R] for each linear layer that has an adapter. */
export function adapterActivations(
  { config, lora, maxTokens }: LayerShape,
  name: string,
): Partial<Record<LinearPart, Activation>> {
  if (!lora) return {};
  const parts = LINEAR_PARTS.map((part) => [part, adapterWidth(config, lora, part)] as const)
    .filter(([, width]) => width > 0)
    .map(([part, width]) => [part, new Activation(`${name}.${part}`, maxTokens * width)]);
  return Object.fromEntries(parts) as Partial<Record<LinearPart, Activation>>;
}

/** A norm of [N, D], plus a residual, where the layer has one. */
export function layerNorm<D extends RowDims>(
  { config: c }: LayerShape,
  w: LayerWeights,
  part: NormPart,
  io: { x: Activation; y: Activation; residual?: Activation },
): Op<D>[] {
  if (!normsOf(c)[part]) return [];
  const weight = w.vector(part);
  return [rmsNorm<D>({ ...io, weight, rows, cols: c.hiddenSize, eps: c.rmsNormEps })];
}

/** The norms of queries and keys: which columns of q | k | v, in heads of so many. */
export function headNorms(c: ModelConfig) {
  const all = c.qkNorm === 'all';
  const norm = (part: 'qNorm' | 'kNorm', heads: number, offset: number) => ({
    part,
    layout: {
      rows: (d: RowDims): number => d.tokens * (all ? 1 : heads),
      cols: all ? heads * c.headDim : c.headDim,
      heads: all ? 1 : heads,
      rowStride: qkvWidth(c),
      offset,
    },
  });
  return c.qkNorm ? [norm('qNorm', c.heads, 0), norm('kNorm', c.kvHeads, qWidth(c))] : [];
}

/** The rotation of the queries and keys of `x`, in place; direction -1 is its transpose. */
export function rotation<D extends RowDims>(
  { config: c }: LayerShape,
  w: LayerWeights,
  x: Activation,
  { positions }: RowInputs,
  direction: 1 | -1,
): Op<D>[] {
  if (!w.rotates) return [];
  const { frequencies, factor } = w.rope;
  return [
    rope<D>({
      ...{ x, positions, frequencies, factor, direction, rows },
      ...{ heads: c.heads + c.kvHeads, headDim: c.headDim, rotaryDim: rotaryDim(c) },
      ...{ rowStride: qkvWidth(c), offset: 0 },
    }),
  ];
}

/** Norm, query/key/value projection and rotation: `input` -> `qkv`. */
export function projectHeads<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: RowInputs,
): Op<D>[] {
  const { config: c } = shape;
  const width = qkvWidth(c);
  return [
    ...layerNorm<D>(shape, w, 'inputNorm', { x: s.input, y: s.inputNormed }),
    ...linearForward<D>({
      linear: w.linear('qkv'),
      x: s.inputNormed,
      h: s.adapted.qkv,
      y: s.qkvRaw,
      rows,
      ...(c.attentionBias && { bias: w.vector('qkvBias') }),
      label: 'qkv',
    }),
    // The copy is for the values, which have no norm.
    ...(c.qkNorm ? [copy<D>({ x: s.qkvRaw, y: s.qkv, count: (d) => d.tokens * width })] : []),
    ...headNorms(c).map(({ part, layout }) =>
      rmsNorm<D>({
        ...{ ...layout, x: s.qkvRaw, y: s.qkv, weight: w.vector(part), eps: c.rmsNormEps },
        label: part === 'qNorm' ? 'q-norm' : 'k-norm',
      }),
    ),
    ...rotation<D>(shape, w, s.qkv, inputs, 1),
  ];
}

/** `attended` -> `middle`: output projection, its norm if the family has one, residual add. */
export function attentionOutput<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
): Op<D>[] {
  const { attentionOutNorm } = normsOf(shape.config);
  return [
    ...linearForward<D>({
      ...{ linear: w.linear('output'), rows, x: s.attended, h: s.adapted.output },
      ...(attentionOutNorm ? { y: s.attentionOut } : { y: s.middle, residual: s.input }),
      label: 'attention-output',
    }),
    ...layerNorm<D>(shape, w, 'attentionOutNorm', {
      ...{ x: s.attentionOut, y: s.middle, residual: s.input },
    }),
  ];
}

/** `attended` -> `inner`: output projection, residual add, norm, gate and up projection, gate. */
export function feedForward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
): Op<D>[] {
  const { config: c } = shape;
  return [
    ...attentionOutput<D>(shape, w, s),
    ...layerNorm<D>(shape, w, 'postNorm', { x: s.middle, y: s.middleNormed }),
    ...linearForward<D>({
      linear: w.linear('gateUp'),
      x: s.middleNormed,
      h: s.adapted.gateUp,
      y: s.gateUp,
      rows,
      label: 'gate-up',
    }),
    swiglu<D>({
      gateUp: s.gateUp,
      y: s.inner,
      rows,
      width: c.intermediateSize,
      gate: c.activation,
    }),
    ...adapterForward<D>(downLaunch(w, s)),
    // The backward pass of a norm reads its input.
    ...(normsOf(c).feedForwardOutNorm
      ? linearOutput<D>({ ...downLaunch(w, s), y: s.feedForwardOut })
      : []),
  ];
}

const downLaunch = (w: LayerWeights, s: LayerSaved) => ({
  linear: w.linear('down'),
  x: s.inner,
  h: s.adapted.down,
  rows,
  label: 'down',
});

/** The end of a layer, which only the next one reads: the last projection or norm, and the residual. */
export function layerOutput<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
): Op<D>[] {
  return normsOf(shape.config).feedForwardOutNorm
    ? layerNorm<D>(shape, w, 'feedForwardOutNorm', {
        ...{ x: s.feedForwardOut, y: s.output, residual: s.middle },
      })
    : linearOutput<D>({ ...downLaunch(w, s), y: s.output, residual: s.middle });
}

/** One layer over packed rows without its end: all that the backward pass reads. */
export function layerInner<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: RowInputs,
): Op<D>[] {
  const { config: c } = shape;
  return [
    ...projectHeads<D>(shape, w, s, inputs),
    attention<D>({
      q: s.qkv,
      kv: s.qkv,
      o: s.attended,
      lse: s.lse,
      spans: spansOf(w, inputs),
      tokens: rows,
      ...attentionShape(c, w),
      qStride: qkvWidth(c),
      qOffset: 0,
      kvStride: qkvWidth(c),
      kOffset: qWidth(c),
      vOffset: qWidth(c) + kvWidth(c),
    }),
    ...feedForward<D>(shape, w, s),
  ];
}

/** The rows that each row attends to in this layer. */
export const spansOf = ({ window }: LayerWeights, { spans, windowSpans }: RowInputs): Bindable =>
  window === undefined ? spans : windowSpans!;

export const attentionShape = (c: ModelConfig, { window }: LayerWeights) => ({
  heads: c.heads,
  kvHeads: c.kvHeads,
  headDim: c.headDim,
  scale: c.attentionScale ?? 1 / Math.sqrt(c.headDim),
  pairs: (d: RowDims): number => (window === undefined ? d.pairs : d.windowPairs) ?? 0,
});
