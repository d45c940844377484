/** The programs and the memory of a decoder; planned also without a device, to know what fits. */
import { planActivations } from '../gpu/activations.ts';
import { lower, type Op } from '../gpu/kernel.ts';
import type { Memory, View } from '../gpu/memory.ts';
import { ownCacheRows } from './decode-layer.ts';
import {
  cacheRows,
  DecoderBuffers,
  decodeStep,
  prefill,
  type DecodeDims,
  type DecoderLimits,
  type PromptDims,
} from './decoder-ops.ts';
import type { LanguageModel } from './language-model.ts';
import { layerKind } from './layer-kinds.ts';
import { kvWidth } from './layers.ts';

/** The result of `planDecoder`: ops whose activations and caches have memory. */
interface DecoderPrograms {
  buffers: DecoderBuffers;
  prefillOps: Op<PromptDims>[];
  decodeOps: Op<DecodeDims>[];
  activations: View[];
  caches: View[];
}

/** Allocates the caches and activations of generation within `limits`. */
export function planDecoder(model: LanguageModel<Memory>, limits: DecoderLimits): DecoderPrograms {
  const { gpu, config: c } = model;
  const buffers = new DecoderBuffers(limits, c);
  const { maxPromptTokens, maxSequences } = limits;
  const caches = Array.from({ length: c.layers }, (_, layer) => {
    const own = ownCacheRows(layerKind(c, layer).window, cacheRows(limits));
    const rows = maxPromptTokens + maxSequences * own;
    return gpu.allocate('kv', 4 * rows * 2 * kvWidth(c), `kv ${layer}`);
  });
  const prefillOps = lower(prefill(model, limits, buffers, caches), gpu.variants);
  const decodeOps = lower(decodeStep(model, limits, buffers, caches), gpu.variants);
  const activations = planActivations(gpu, prefillOps, decodeOps);
  return { buffers, prefillOps, decodeOps, activations, caches };
}
