/**
 * One layer of a decoding step: one row per sequence. Rows are few, so that the launches cost more
 * than the arithmetic: the products do the norms, SwiGLU and the x A^T of adapters as well, which
 * layers.ts, for packed rows, has as ops of their own. N sequences; other shapes as in layers.ts.
 */
import type { Activation } from '../gpu/activations.ts';
import type { Bindable, Op } from '../gpu/kernel.ts';
import { attentionDecode } from '../gpu/kernels/attention-decode.ts';
import { ringRows } from '../gpu/kernels/ring.ts';
import type { View } from '../gpu/memory.ts';
import { normsOf, rotaryDim } from './layer-kinds.ts';
import {
  attentionOutput,
  attentionShape,
  layerNorm,
  rows,
  type LayerSaved,
  type LayerShape,
  type LayerWeights,
  type RowDims,
} from './layers.ts';
import { linearForward, linearNormed, linearNormedGated, type InputNorm } from './linear.ts';

export interface StepDims extends RowDims {
  /** Tokens that each sequence has sampled so far. */
  step: number;
}

/**
 * `input` -> `output`; adds a row per sequence to `cache` [cache rows, 2 K d], which has k | v.
 * `cacheRows` says which of its rows belong to whom.
 */
export function decodeLayer<D extends StepDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: { spans: Bindable },
  cache: View,
  cacheRows: CacheRows,
): Op<D>[] {
  const { config: c } = shape;
  const norms = normsOf(c);
  const norm = (part: 'inputNorm' | 'postNorm', normed: Activation): InputNorm | undefined =>
    norms[part] ? { weight: w.vector(part), eps: c.rmsNormEps, normed } : undefined;
  return [
    ...linearNormed<D>({
      ...{ linear: w.linear('qkv'), norm: norm('inputNorm', s.inputNormed), rows },
      ...{ x: s.input, h: s.adapted.qkv, y: s.qkvRaw },
      ...(c.attentionBias && { bias: w.vector('qkvBias') }),
      label: 'qkv',
    }),
    attend<D>(shape, w, s, inputs, cache, cacheRows),
    ...attentionOutput<D>(shape, w, s),
    ...linearNormedGated<D>({
      ...{ linear: w.linear('gateUp'), norm: norm('postNorm', s.middleNormed), rows },
      ...{ x: s.middle, h: s.adapted.gateUp, gateUp: s.gateUp, y: s.inner, gate: c.activation },
      label: 'gate-up',
    }),
    ...linearForward<D>({
      ...{ linear: w.linear('down'), rows, x: s.inner, h: s.adapted.down },
      ...(norms.feedForwardOutNorm ? { y: s.feedForwardOut } : { y: s.output, residual: s.middle }),
      label: 'down',
    }),
    ...layerNorm<D>(shape, w, 'feedForwardOutNorm', {
      ...{ x: s.feedForwardOut, y: s.output, residual: s.middle },
    }),
  ];
}

/** In a whole cache, the prompts have the first rows, and each sequence `ownRows` after them. */
export interface CacheRows {
  firstOwn: number;
  ownRows: number;
}

/** Rows of a sequence in the cache of a layer, which holds no more than a window sees. */
export const ownCacheRows = (window: number | undefined, { ownRows }: CacheRows): number =>
  window === undefined ? ownRows : ringRows({ window, ownRows });

/**
 * `qkvRaw`, which lacks the adapter's part, and the adapter's `h` -> `attended`: adds that part,
 * norms and rotates the heads, stores k and v, and attends to all of the cache's rows in the spans.
 */
function attend<D extends StepDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: { spans: Bindable },
  cache: View,
  cacheRows: CacheRows,
): Op<D> {
  const { config: c, maxTokens } = shape;
  const { frequencies, factor } = w.rope;
  const { adapter } = w.linear('qkv');
  const h = s.adapted.qkv;
  return attentionDecode<D>({
    ...attentionShape(c, w),
    ...{ qkv: s.qkvRaw, cache, o: s.attended, spans: inputs.spans },
    ...{ frequencies, ropeFactor: factor, rotaryDim: rotaryDim(c) },
    ...{ tokens: rows, maxTokens, step: (d) => d.step },
    // A single prompt may have the rows of all prompts.
    maxKeys: Math.min(w.window ?? Infinity, cacheRows.firstOwn + cacheRows.ownRows),
    ring: w.window === undefined ? undefined : { ...cacheRows, window: w.window },
    ...(c.qkNorm && {
      norms: { of: c.qkNorm, q: w.vector('qNorm'), k: w.vector('kNorm'), eps: c.rmsNormEps },
    }),
    ...(adapter && h && { adapter: { ...adapter, h } }),
  });
}
