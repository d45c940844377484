/**
 * The transformer as a list of GPU operations, written out by hand: what one layer does forward,
 * and the same read backwards. Shapes in comments: N token rows, D hidden, H query heads, K
 * key/value heads, d head size, F feed-forward width.
 */
import { Activation } from '../gpu/activations.ts';
import type { View } from '../gpu/device.ts';
import type { Bindable, Dyn, Op } from '../gpu/kernel.ts';
import { attention, attentionBackward } from '../gpu/kernels/attention.ts';
import { copy } from '../gpu/kernels/copy.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import { rmsNorm, rmsNormBackward, normPartials } from '../gpu/kernels/rms-norm.ts';
import { rope } from '../gpu/kernels/rope.ts';
import { swiglu, swigluBackward } from '../gpu/kernels/swiglu.ts';
import type { ModelConfig } from './config.ts';
import type { LayerPart } from './parameters.ts';

/** What every replay of a model's program depends on. */
export interface RowDims {
  /** Token rows. */
  tokens: number;
  /** How many keys these rows see together, themselves included; for counting operations. */
  pairs?: number;
}

/** Where each row stands; written by the host before a replay. */
export interface RowInputs {
  readonly ids: Bindable;
  readonly positions: Bindable;
  readonly spans: Bindable;
}

/** The weights of one layer by part, and the gradients in the same places. */
export type LayerWeights = (part: LayerPart) => View;

/** Sizes that the ops of a layer share. */
export interface LayerShape {
  readonly config: ModelConfig;
  /** Activation memory is planned for this many token rows. */
  readonly maxTokens: number;
  /** [d/2] inverse frequencies of the rotary embedding. */
  readonly frequencies: View;
}

export const qWidth = (c: ModelConfig): number => c.heads * c.headDim;
export const kvWidth = (c: ModelConfig): number => c.kvHeads * c.headDim;
export const qkvWidth = (c: ModelConfig): number => qWidth(c) + 2 * kvWidth(c);

/** What a layer's backward pass needs of its forward pass. */
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
}

const rows = (d: RowDims): number => d.tokens;
const pairs = (d: RowDims): number => d.pairs ?? 0;

/** The activations of one layer; `input` is the layer before's output. */
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
  };
}

/** Norm, query/key/value projection and rotation: `input` -> `qkv`. */
export function projectHeads<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: RowInputs,
  step: Dyn<D> = 0,
): Op<D>[] {
  const { config: c } = shape;
  const width = qkvWidth(c);
  const heads = { rowStride: width, cols: c.headDim, eps: c.rmsNormEps };
  const x = { x: s.qkvRaw, y: s.qkv };
  return [
    rmsNorm<D>({
      x: s.input,
      weight: w('inputNorm'),
      y: s.inputNormed,
      rows,
      cols: c.hiddenSize,
      eps: c.rmsNormEps,
    }),
    matmul<D>({
      layout: 'nt',
      a: s.inputNormed,
      b: w('qkv'),
      c: s.qkvRaw,
      m: rows,
      n: width,
      k: c.hiddenSize,
      ...(c.attentionBias && { bias: w('qkvBias') }),
      label: 'qkv',
    }),
    ...(c.qkNorm
      ? [
          // The values need no norm: they come along with the copy.
          copy<D>({ x: s.qkvRaw, y: s.qkv, count: (d) => d.tokens * width }),
          rmsNorm<D>({
            ...x,
            ...heads,
            weight: w('qNorm'),
            rows: (d) => d.tokens * c.heads,
            heads: c.heads,
            offset: 0,
            label: 'q-norm',
          }),
          rmsNorm<D>({
            ...x,
            ...heads,
            weight: w('kNorm'),
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
      step,
    }),
  ];
}

/** From the attended values to the layer's output: two residual adds around the feed-forward. */
export function finishLayer<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
): Op<D>[] {
  const { hiddenSize, intermediateSize, rmsNormEps } = shape.config;
  return [
    matmul<D>({
      layout: 'nt',
      a: s.attended,
      b: w('output'),
      c: s.middle,
      residual: s.input,
      m: rows,
      n: hiddenSize,
      k: qWidth(shape.config),
      label: 'attention-output',
    }),
    rmsNorm<D>({
      x: s.middle,
      weight: w('postNorm'),
      y: s.middleNormed,
      rows,
      cols: hiddenSize,
      eps: rmsNormEps,
    }),
    matmul<D>({
      layout: 'nt',
      a: s.middleNormed,
      b: w('gateUp'),
      c: s.gateUp,
      m: rows,
      n: 2 * intermediateSize,
      k: hiddenSize,
      label: 'gate-up',
    }),
    swiglu<D>({ gateUp: s.gateUp, y: s.inner, rows, width: intermediateSize }),
    matmul<D>({
      layout: 'nt',
      a: s.inner,
      b: w('down'),
      c: s.output,
      residual: s.middle,
      m: rows,
      n: hiddenSize,
      k: intermediateSize,
      label: 'down',
    }),
  ];
}

/** One layer over packed rows, keeping what the backward pass reads. */
export function layerForward<D extends RowDims>(
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
    ...finishLayer<D>(shape, w, s),
  ];
}

export const attentionShape = (c: ModelConfig) => ({
  heads: c.heads,
  kvHeads: c.kvHeads,
  headDim: c.headDim,
  scale: 1 / Math.sqrt(c.headDim),
  pairs,
});

/** Scratch of the backward pass, shared by all layers. */
export interface BackwardScratch {
  dInner: Activation; // [N, F]
  dGateUp: Activation; // [N, 2F]
  dHidden: Activation; // [N, D]
  dAttended: Activation; // [N, H d]
  delta: Activation; // [N, H]
  dQkv: Activation; // [N, (H + 2K) d]
  dQkvRaw: Activation; // the same, before the head norms (Qwen3)
  partials: Activation; // column sums on their way to a norm weight's gradient
  ones: View; // [N] ones: a bias gradient is ones^T dY
}

export function backwardScratch(shape: LayerShape, layer: number, ones: View): BackwardScratch {
  const { config: c, maxTokens: n } = shape;
  const make = (name: string, elements: number): Activation =>
    new Activation(`${layer}.${name}`, elements);
  const dQkv = make('dQkv', n * qkvWidth(c));
  return {
    dInner: make('dInner', n * c.intermediateSize),
    dGateUp: make('dGateUp', n * 2 * c.intermediateSize),
    dHidden: make('dHidden', n * c.hiddenSize),
    dAttended: make('dAttended', n * qWidth(c)),
    delta: make('delta', n * c.heads),
    dQkv,
    dQkvRaw: c.qkNorm ? make('dQkvRaw', n * qkvWidth(c)) : dQkv,
    partials: make(
      'partials',
      Math.max(normPartials(n, c.hiddenSize), c.qkNorm ? normPartials(n * c.heads, c.headDim) : 0),
    ),
    ones,
  };
}

/**
 * One layer backwards. `dResidual` [N, D] holds d loss / d output on entry and d loss / d input on
 * return. Weight gradients are added to (`+=`), since one optimizer step may take several batches.
 */
export function layerBackward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  g: LayerWeights,
  s: LayerSaved,
  t: BackwardScratch,
  inputs: RowInputs & { viewEnd: Bindable },
  dResidual: Activation,
): Op<D>[] {
  const { config: c } = shape;
  const { hiddenSize, intermediateSize, rmsNormEps: eps } = c;
  const width = qkvWidth(c);
  const norm = { rows, cols: hiddenSize, eps, partials: t.partials };
  return [
    ...linearBackward<D>(s.inner, w('down'), dResidual, t.dInner, g('down'), {
      in: intermediateSize,
      out: hiddenSize,
    }),
    swigluBackward<D>({
      gateUp: s.gateUp,
      dy: t.dInner,
      dGateUp: t.dGateUp,
      rows,
      width: intermediateSize,
    }),
    ...linearBackward<D>(s.middleNormed, w('gateUp'), t.dGateUp, t.dHidden, g('gateUp'), {
      in: hiddenSize,
      out: 2 * intermediateSize,
    }),
    ...rmsNormBackward<D>({
      ...norm,
      x: s.middle,
      weight: w('postNorm'),
      dy: t.dHidden,
      dx: dResidual,
      accumulate: true,
      dWeight: g('postNorm'),
    }),
    ...linearBackward<D>(s.attended, w('output'), dResidual, t.dAttended, g('output'), {
      in: qWidth(c),
      out: hiddenSize,
    }),
    ...attentionBackward<D>({
      qkv: s.qkv,
      o: s.attended,
      dO: t.dAttended,
      lse: s.lse,
      delta: t.delta,
      spans: inputs.spans,
      viewEnd: inputs.viewEnd,
      dQkv: t.dQkv,
      tokens: rows,
      ...attentionShape(c),
      rowStride: width,
      kOffset: qWidth(c),
      vOffset: qWidth(c) + kvWidth(c),
    }),
    rope<D>({
      x: t.dQkv,
      positions: inputs.positions,
      frequencies: shape.frequencies,
      rows,
      heads: c.heads + c.kvHeads,
      rowStride: width,
      offset: 0,
      headDim: c.headDim,
      direction: -1,
    }),
    ...(c.qkNorm ? headNormsBackward<D>(shape, w, g, s, t) : []),
    ...(c.attentionBias
      ? [
          matmul<D>({
            layout: 'tn',
            a: t.ones,
            b: t.dQkvRaw,
            c: g('qkvBias'),
            m: 1,
            n: width,
            k: rows,
            accumulate: true,
            label: 'd-qkv-bias',
          }),
        ]
      : []),
    ...linearBackward<D>(s.inputNormed, w('qkv'), t.dQkvRaw, t.dHidden, g('qkv'), {
      in: hiddenSize,
      out: width,
    }),
    ...rmsNormBackward<D>({
      ...norm,
      x: s.input,
      weight: w('inputNorm'),
      dy: t.dHidden,
      dx: dResidual,
      accumulate: true,
      dWeight: g('inputNorm'),
    }),
  ];
}

/** y = x W^T backwards: dx = dy W, dW += dy^T x. */
export function linearBackward<D extends RowDims>(
  x: Bindable,
  weight: Bindable,
  dy: Bindable,
  dx: Bindable,
  dWeight: Bindable,
  size: { in: number; out: number },
  m: (d: D) => number = rows,
): Op<D>[] {
  return [
    matmul<D>({
      layout: 'nn',
      a: dy,
      b: weight,
      c: dx,
      m,
      n: size.in,
      k: size.out,
      label: 'd-input',
    }),
    matmul<D>({
      layout: 'tn',
      a: dy,
      b: x,
      c: dWeight,
      m: size.out,
      n: size.in,
      k: m,
      accumulate: true,
      label: 'd-weight',
    }),
  ];
}

function headNormsBackward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  g: LayerWeights,
  s: LayerSaved,
  t: BackwardScratch,
): Op<D>[] {
  const { config: c } = shape;
  const part = (name: 'qNorm' | 'kNorm', heads: number, offset: number): Op<D>[] =>
    rmsNormBackward<D>({
      x: s.qkvRaw,
      weight: w(name),
      dy: t.dQkv,
      dx: t.dQkvRaw,
      dWeight: g(name),
      partials: t.partials,
      rows: (d) => d.tokens * heads,
      cols: c.headDim,
      eps: c.rmsNormEps,
      heads,
      rowStride: qkvWidth(c),
      offset,
    });
  return [
    copy<D>({ x: t.dQkv, y: t.dQkvRaw, count: (d) => d.tokens * qkvWidth(c) }),
    ...part('qNorm', c.heads, 0),
    ...part('kNorm', c.kvHeads, qWidth(c)),
  ];
}
