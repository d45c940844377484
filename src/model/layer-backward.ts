/**
 * The backward pass of one layer: the operations of layers.ts in reverse order. Shapes as there.
 */
import { Activation } from '../gpu/activations.ts';
import type { Bindable, Op } from '../gpu/kernel.ts';
import { attentionBackward } from '../gpu/kernels/attention.ts';
import { copy } from '../gpu/kernels/copy.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import { rmsNormBackward, normPartials } from '../gpu/kernels/rms-norm.ts';
import { swigluBackward } from '../gpu/kernels/swiglu.ts';
import type { View } from '../gpu/memory.ts';
import { normsOf } from './layer-kinds.ts';
import {
  adapterActivations,
  attentionShape,
  headNorms,
  rotation,
  spansOf,
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
import type { NormPart, VectorPart } from './parameters.ts';
import type { LinearPart } from './projections.ts';

/** The buffers to which a layer's gradients are added; frozen weights have none. */
export interface LayerGradients {
  vector(part: VectorPart): View | undefined;
  linear(part: LinearPart): LinearGradients;
}

/** Scratch of the backward pass, shared by all layers. */
interface BackwardScratch {
  dInner: Activation; // [N, F]
  dGateUp: Activation; // [N, 2F]
  dHidden: Activation; // [N, D]
  dAttended: Activation; // [N, H d]
  delta: Activation; // [N, H]
  dQkv: Activation; // [N, (H + 2K) d]
  dQkvRaw: Activation; // the same, before the norms of q and k
  dBranch: Activation; // [N, D], before a norm behind attention or the feed-forward part
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
    dBranch: make('dBranch', n * c.hiddenSize),
    partials: make(
      'partials',
      Math.max(
        normPartials(n, c.hiddenSize),
        ...headNorms(c).map(({ layout }) => normPartials(n * layout.heads, layout.cols)),
      ),
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
  inputs: RowInputs & { viewEnd: Bindable; windowViewEnd?: Bindable },
  dResidual: Activation,
): Op<D>[] {
  const { config: c } = shape;
  const norms = normsOf(c);
  const dBias = g.vector('qkvBias');
  const width = qkvWidth(c);
  const { window } = w;
  // What flows into attention and the feed-forward part from behind.
  const dFeedForward = norms.feedForwardOutNorm ? t.dBranch : dResidual;
  const dAttention = norms.attentionOutNorm ? t.dBranch : dResidual;
  const norm = (part: NormPart, x: Activation, dy: Activation, dx: Activation): Op<D>[] =>
    norms[part]
      ? rmsNormBackward<D>({
          ...{ rows, cols: c.hiddenSize, eps: c.rmsNormEps, partials: t.partials },
          ...{ x, weight: w.vector(part), dy, dx, dWeight: g.vector(part) },
          // A norm before a part adds to the gradient that flows past the part.
          accumulate: dx === dResidual,
        })
      : [];
  return [
    ...norm('feedForwardOutNorm', s.feedForwardOut, dResidual, dFeedForward),
    ...linearBackward<D>({
      linear: w.linear('down'),
      gradients: g.linear('down'),
      rows,
      x: s.inner,
      h: s.adapted.down,
      dy: dFeedForward,
      dx: t.dInner,
      dh: t.dAdapted.down,
    }),
    swigluBackward<D>({
      gateUp: s.gateUp,
      dy: t.dInner,
      dGateUp: t.dGateUp,
      rows,
      width: c.intermediateSize,
      gate: c.activation,
    }),
    ...linearBackward<D>({
      linear: w.linear('gateUp'),
      gradients: g.linear('gateUp'),
      rows,
      x: s.middleNormed,
      h: s.adapted.gateUp,
      dy: t.dGateUp,
      ...(norms.postNorm ? { dx: t.dHidden } : { dx: dResidual, accumulate: true }),
      dh: t.dAdapted.gateUp,
    }),
    ...norm('postNorm', s.middle, t.dHidden, dResidual),
    ...norm('attentionOutNorm', s.attentionOut, dResidual, dAttention),
    ...linearBackward<D>({
      linear: w.linear('output'),
      gradients: g.linear('output'),
      rows,
      x: s.attended,
      h: s.adapted.output,
      dy: dAttention,
      dx: t.dAttended,
      dh: t.dAdapted.output,
    }),
    ...attentionBackward<D>({
      qkv: s.qkv,
      o: s.attended,
      dO: t.dAttended,
      lse: s.lse,
      delta: t.delta,
      spans: spansOf(w, inputs),
      viewEnd: window === undefined ? inputs.viewEnd : inputs.windowViewEnd!,
      window: window === undefined ? undefined : { size: window, positions: inputs.positions },
      dQkv: t.dQkv,
      tokens: rows,
      ...attentionShape(c, w),
      rowStride: width,
      kOffset: qWidth(c),
      vOffset: qWidth(c) + kvWidth(c),
    }),
    ...rotation<D>(shape, w, t.dQkv, inputs, -1),
    ...headNormsBackward<D>(shape, w, g, s, t),
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
      ...(norms.inputNorm ? { dx: t.dHidden } : { dx: dResidual, accumulate: true }),
      dh: t.dAdapted.qkv,
    }),
    ...norm('inputNorm', s.input, t.dHidden, dResidual),
  ];
}

function headNormsBackward<D extends RowDims>(
  { config: c }: LayerShape,
  w: LayerWeights,
  g: LayerGradients,
  s: LayerSaved,
  t: BackwardScratch,
): Op<D>[] {
  if (!c.qkNorm) return [];
  return [
    copy<D>({ x: t.dQkv, y: t.dQkvRaw, count: (d) => d.tokens * qkvWidth(c) }),
    ...headNorms(c).flatMap(({ part, layout }) =>
      rmsNormBackward<D>({
        ...{ ...layout, x: s.qkvRaw, weight: w.vector(part), dy: t.dQkv, dx: t.dQkvRaw },
        ...{ dWeight: g.vector(part), partials: t.partials, eps: c.rmsNormEps },
      }),
    ),
  ];
}
