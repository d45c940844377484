/**
 * One layer of a decoding step: one row per sequence. Rows are few, so that the launches cost more
 * than the arithmetic: the products do the norms, SwiGLU and the x A^T of adapters as well, which
 * layers.ts, for packed rows, has as ops of their own. N sequences; other shapes as in layers.ts.
 */
import type { Activation } from '../gpu/activations.ts';
import type { Op } from '../gpu/kernel.ts';
import { attentionDecode } from '../gpu/kernels/attention-decode.ts';
import type { View } from '../gpu/memory.ts';
import {
  attentionShape,
  rows,
  type LayerSaved,
  type LayerShape,
  type LayerWeights,
  type RowDims,
  type RowInputs,
} from './layers.ts';
import { linearForward, linearNormed, linearNormedGated, type InputNorm } from './linear.ts';

export interface StepDims extends RowDims {
  /** Tokens that each sequence has sampled so far. */
  step: number;
}

/** `input` -> `output`; adds a row per sequence to `cache` [cache rows, 2 K d], which has k | v. */
export function decodeLayer<D extends StepDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: RowInputs,
  cache: View,
): Op<D>[] {
  const { config: c } = shape;
  const norm = (part: 'inputNorm' | 'postNorm', normed: Activation): InputNorm => ({
    ...{ weight: w.vector(part), eps: c.rmsNormEps, normed },
  });
  return [
    linearNormed<D>({
      ...{ linear: w.linear('qkv'), norm: norm('inputNorm', s.inputNormed), rows },
      ...{ x: s.input, h: s.adapted.qkv, y: s.qkvRaw },
      ...(c.attentionBias && { bias: w.vector('qkvBias') }),
      label: 'qkv',
    }),
    attend<D>(shape, w, s, inputs, cache),
    ...linearForward<D>({
      ...{ linear: w.linear('output'), rows },
      ...{ x: s.attended, h: s.adapted.output, y: s.middle, residual: s.input },
      label: 'attention-output',
    }),
    linearNormedGated<D>({
      ...{ linear: w.linear('gateUp'), norm: norm('postNorm', s.middleNormed), rows },
      ...{ x: s.middle, h: s.adapted.gateUp, gateUp: s.gateUp, y: s.inner },
      label: 'gate-up',
    }),
    ...linearForward<D>({
      ...{ linear: w.linear('down'), rows },
      ...{ x: s.inner, h: s.adapted.down, y: s.output, residual: s.middle },
      label: 'down',
    }),
  ];
}

/**
 * `qkvRaw`, which lacks the adapter's part, and the adapter's `h` -> `attended`: adds that part,
 * norms (Qwen3) and rotates the heads, stores k and v, and attends to all of the cache's rows in the
 * spans.
 */
function attend<D extends StepDims>(
  shape: LayerShape,
  w: LayerWeights,
  s: LayerSaved,
  inputs: RowInputs,
  cache: View,
): Op<D> {
  const { config: c, frequencies, maxTokens } = shape;
  const { spans, positions } = inputs;
  const { adapter } = w.linear('qkv');
  const h = s.adapted.qkv;
  return attentionDecode<D>({
    ...attentionShape(c),
    ...{ qkv: s.qkvRaw, cache, o: s.attended, spans, positions, frequencies },
    ...{ tokens: rows, maxTokens, step: (d) => d.step },
    ...(c.qkNorm && {
      norms: { q: w.vector('qNorm'), k: w.vector('kNorm'), eps: c.rmsNormEps },
    }),
    ...(adapter && h && { adapter: { ...adapter, h } }),
  });
}
