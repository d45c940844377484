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
import { adapterWidth, type LoraConfig } from './lora.ts';
import type { LinearPart, VectorPart } from './parameters.ts';

/** The sizes on which every replay of a model's program depends. */
export interface RowDims {
  /** Token rows. */
  tokens: number;
  /** The number of (row, key) pairs in the spans of these rows; used only to count flops. */
  pairs?: number;
}

/** The token, position and span of each row; the host writes them before a replay. */
export interface RowInputs {
  readonly ids: Bindable;
  readonly positions: Bindable;
  readonly spans: Bindable;
}

/** The weights of one layer by part. */
export interface LayerWeights {
  vector(part: VectorPart): View;
  linear(part: LinearPart): Linear;
}

/** Sizes that the ops of a layer share. */
export interface LayerShape {
  readonly config: ModelConfig;
  /** Activation memory is planned for this many token rows. */
  readonly maxTokens: number;
  /** [d/2] inverse frequencies of the rotary embedding. */
  readonly frequencies: View;
  readonly lora: LoraConfig | undefined;
}

export const qWidth = (c: ModelConfig): number => c.heads * c.headDim;
export const kvWidth = (c: ModelConfig): number => c.kvHeads * c.headDim;
export const qkvWidth = (c: ModelConfig): number => qWidth(c) + 2 * kvWidth(c);

/** The activations of a layer; its backward pass reads all but `output`. */
export interface LayerSaved {
  input: Activation; // [N, D]
  inputNormed: Activation; // [N, D]
  qkv: Activation; // [N, (H + 2K) d], rotated
  qkvRaw: Activation; // [N, (H + 2K) d], before the head norms (Qwen3), else the same as qkv
  attended: Activation; // [N, H d]
  lse: Activation; // [N, H]
  middle: Activation; // [N, D]
  middleNormed: Activation; // [N, D]
  gateUp: Activation; // [N, 2F]
  inner: Activation; // [N, F]
  output: Activation; // [N, D]
  /** [N, R] x A^T of the linear layers that have an adapter. */
  adapted: Partial<Record<LinearPart, Activation>>;
}

export const rows = (d: RowDims): number => d.tokens;
const pairs = (d: RowDims): number => d.pairs ?? 0;

/** The activations of one layer; `input` is the output of the layer before. */
export function layerActivations(shape: LayerShape, layer: number, input: Activation): LayerSaved {
  const { config: c, maxTokens: n } = shape;
  const make = (name: string, width: number): Activation =>
    new Activation(`${layer}.${name}`, n * width);
  const qkv = make('qkv', qkvWidth(c));
  return {
    input,
    inputNormed: make('inputNormed', c.hiddenSize),
    qkv,
    qkvRaw: c.qkNorm ? make('qkvRaw', qkvWidth(c)) : qkv,
    attended: make('attended', qWidth(c)),
    lse: make('lse', c.heads),
    middle: make('middle', c.hiddenSize),
    middleNormed: make('middleNormed', c.hiddenSize),
    gateUp: make('gateUp', 2 * c.intermediateSize),
    inner: make('inner', c.intermediateSize),
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
  const parts = (['qkv', 'output', 'gateUp', 'down'] as const)
    .map((part) => [part, adapterWidth(config, lora, part)] as const)
    .filter(([, width]) => width > 0)
    .map(([part, width]) => [part, new Activation(`${name}.${part}`, maxTokens * width)]);
  return Object.fromEntries(parts) as Partial<Record<LinearPart, Activation>>;
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
  const heads = { rowStride: width, cols: c.headDim, eps: c.rmsNormEps };
  const x = { x: s.qkvRaw, y: s.qkv };
  return [
    rmsNorm<D>({
      x: s.input,
      weight: w.vector('inputNorm'),
      y: s.inputNormed,
      rows,
      cols: c.hiddenSize,
      eps: c.rmsNormEps,
    }),
    ...linearForward<D>({
      linear: w.linear('qkv'),
      x: s.inputNormed,
      h: s.adapted.qkv,
      y: s.qkvRaw,
      rows,
      ...(c.attentionBias && { bias: w.vector('qkvBias') }),
      label: 'qkv',
    }),
    ...(c.qkNorm
      ? [
          // The copy is for the values, which have no norm.
          copy<D>({ x: s.qkvRaw, y: s.qkv, count: (d) => d.tokens * width }),
          rmsNorm<D>({
            ...x,
            ...heads,
            weight: w.vector('qNorm'),
            rows: (d) => d.tokens * c.heads,
            heads: c.heads,
            offset: 0,
            label: 'q-norm',
          }),
          rmsNorm<D>({
            ...x,
            ...heads,
            weight: w.vector('kNorm'),
            rows: (d) => d.tokens * c.kvHeads,
            heads: c.kvHeads,
            offset: qWidth(c),
            label: 'k-norm',
          }),
        ]
      : []),
    rope<D>({
      x: s.qkv,
      positions: inputs.positions,
      frequencies: shape.frequencies,
      rows,
      heads: c.heads + c.kvHeads,
      rowStride: width,
      offset: 0,
      headDim: c.headDim,
      direction: 1,
    }),
  ];
}

/** `attended` -> `inner`: output projection, residual add, norm, gate and up projection, SwiGLU. */
export function feedForward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
): Op<D>[] {
  const { hiddenSize, intermediateSize, rmsNormEps } = shape.config;
  return [
    ...linearForward<D>({
      linear: w.linear('output'),
      x: s.attended,
      h: s.adapted.output,
      y: s.middle,
      rows,
      residual: s.input,
      label: 'attention-output',
    }),
    rmsNorm<D>({
      x: s.middle,
      weight: w.vector('postNorm'),
      y: s.middleNormed,
      rows,
      cols: hiddenSize,
      eps: rmsNormEps,
    }),
    ...linearForward<D>({
      linear: w.linear('gateUp'),
      x: s.middleNormed,
      h: s.adapted.gateUp,
      y: s.gateUp,
      rows,
      label: 'gate-up',
    }),
    swiglu<D>({ gateUp: s.gateUp, y: s.inner, rows, width: intermediateSize }),
    ...adapterForward<D>(downLaunch(w, s)),
  ];
}

const downLaunch = (w: LayerWeights, s: LayerSaved) => ({
  linear: w.linear('down'),
  x: s.inner,
  h: s.adapted.down,
  rows,
  label: 'down',
});

/** `inner` -> `output`: the last projection and the second residual add. */
export function projectDown<D extends RowDims>(w: LayerWeights, s: LayerSaved): Op<D>[] {
  return linearOutput<D>({ ...downLaunch(w, s), y: s.output, residual: s.middle });
}

/** One layer over packed rows without its last projection: all that the backward pass reads. */
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
      spans: inputs.spans,
      tokens: rows,
      ...attentionShape(c),
      qStride: qkvWidth(c),
      qOffset: 0,
      kvStride: qkvWidth(c),
      kOffset: qWidth(c),
      vOffset: qWidth(c) + kvWidth(c),
    }),
    ...feedForward<D>(shape, w, s),
  ];
}

export const attentionShape = (c: ModelConfig) => ({
  heads: c.heads,
  kvHeads: c.kvHeads,
  headDim: c.headDim,
  scale: 1 / Math.sqrt(c.headDim),
  pairs,
});
