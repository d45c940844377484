/**
 * The backward pass of one layer: the operations of layers.ts in reverse order. Shapes as there.
 */
import { Activation } from '../gpu/activations.ts';
import type { Bindable, Op } from '../gpu/kernel.ts';
import { attentionBackward } from '../gpu/kernels/attention.ts';
import { copy } from '../gpu/kernels/copy.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import { rmsNormBackward, normPartials } from '../gpu/kernels/rms-norm.ts';
import { rope } from '../gpu/kernels/rope.ts';
import { swigluBackward } from '../gpu/kernels/swiglu.ts';
import type { View } from '../gpu/memory.ts';
import {
  adapterActivations,
  attentionShape,
  qkvWidth,
  qWidth,
  kvWidth,
  rows,
  type LayerSaved,
  type LayerShape,
  type LayerWeights,
  type RowDims,
  type RowInputs,
} from './layers.ts';
import { linearBackward, type LinearGradients } from './linear.ts';
import type { LinearPart, VectorPart } from './parameters.ts';

/** The buffers to which a layer's gradients are added; frozen weights have none. */
export interface LayerGradients {
  vector(part: VectorPart): View | undefined;
  linear(part: LinearPart): LinearGradients;
}

/** Scratch of the backward pass, shared by all layers. */
export interface BackwardScratch {
  dInner: Activation; // [N, F]
  dGateUp: Activation; // [N, 2F]
  dHidden: Activation; // [N, D]
  dAttended: Activation; // [N, H d]
  delta: Activation; // [N, H]
  dQkv: Activation; // [N, (H + 2K) d]
  dQkvRaw: Activation; // the same, before the head norms (Qwen3)
  partials: Activation; // partial sums of a norm weight's gradient
  ones: View; // [N] ones: a bias gradient is ones^T dY
  dAdapted: Partial<Record<LinearPart, Activation>>; // [N, R]
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
    dAdapted: adapterActivations(shape, `${layer}.dAdapted`),
  };
}

/**
 * The backward pass of one layer. `dResidual` [N, D] is d loss / d output before and d loss / d
 * input after. It adds to the weight gradients, because one optimizer step may take several
 * batches.
 */
export function layerBackward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  g: LayerGradients,
  s: LayerSaved,
  t: BackwardScratch,
  inputs: RowInputs & { viewEnd: Bindable },
  dResidual: Activation,
): Op<D>[] {
  const { config: c } = shape;
  const { hiddenSize, intermediateSize, rmsNormEps: eps } = c;
  const dBias = g.vector('qkvBias');
  const width = qkvWidth(c);
  const norm = { rows, cols: hiddenSize, eps, partials: t.partials };
  return [
    ...linearBackward<D>({
      linear: w.linear('down'),
      gradients: g.linear('down'),
      rows,
      x: s.inner,
      h: s.adapted.down,
      dy: dResidual,
      dx: t.dInner,
      dh: t.dAdapted.down,
    }),
    swigluBackward<D>({
      gateUp: s.gateUp,
      dy: t.dInner,
      dGateUp: t.dGateUp,
      rows,
      width: intermediateSize,
    }),
    ...linearBackward<D>({
      linear: w.linear('gateUp'),
      gradients: g.linear('gateUp'),
      rows,
      x: s.middleNormed,
      h: s.adapted.gateUp,
      dy: t.dGateUp,
      dx: t.dHidden,
      dh: t.dAdapted.gateUp,
    }),
    ...rmsNormBackward<D>({
      ...norm,
      x: s.middle,
      weight: w.vector('postNorm'),
      dy: t.dHidden,
      dx: dResidual,
      accumulate: true,
      dWeight: g.vector('postNorm'),
    }),
    ...linearBackward<D>({
      linear: w.linear('output'),
      gradients: g.linear('output'),
      rows,
      x: s.attended,
      h: s.adapted.output,
      dy: dResidual,
      dx: t.dAttended,
      dh: t.dAdapted.output,
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
    ...(dBias
      ? [
          matmul<D>({
            layout: 'tn',
            a: t.ones,
            b: t.dQkvRaw,
            c: dBias,
            m: 1,
            n: width,
            k: rows,
            accumulate: true,
            label: 'd-qkv-bias',
          }),
        ]
      : []),
    ...linearBackward<D>({
      linear: w.linear('qkv'),
      gradients: g.linear('qkv'),
      rows,
      x: s.inputNormed,
      h: s.adapted.qkv,
      dy: t.dQkvRaw,
      dx: t.dHidden,
      dh: t.dAdapted.qkv,
    }),
    ...rmsNormBackward<D>({
      ...norm,
      x: s.input,
      weight: w.vector('inputNorm'),
      dy: t.dHidden,
      dx: dResidual,
      accumulate: true,
      dWeight: g.vector('inputNorm'),
    }),
  ];
}

function headNormsBackward<D extends RowDims>(
  shape: LayerShape,
  w: LayerWeights,
  g: LayerGradients,
  s: LayerSaved,
  t: BackwardScratch,
): Op<D>[] {
  const { config: c } = shape;
  const part = (name: 'qNorm' | 'kNorm', heads: number, offset: number): Op<D>[] =>
    rmsNormBackward<D>({
      x: s.qkvRaw,
      weight: w.vector(name),
      dy: t.dQkv,
      dx: t.dQkvRaw,
      dWeight: g.vector(name),
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
