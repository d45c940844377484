/** The ops of the forward and backward pass of a batch, over the activations of a plan. */
import { Activation } from '../gpu/activations.ts';
import { again, type Op } from '../gpu/kernel.ts';
import { gatherBackward } from '../gpu/kernels/gather-backward.ts';
import type { Memory, View } from '../gpu/memory.ts';
import type { BatchDims, HeadBuffers, OwnerLists } from './head-buffers.ts';
import { logprobForward, logprobHeadBackward, scoreForward, scoreHeadBackward } from './heads.ts';
import type { LanguageModel } from './language-model.ts';
import { backwardScratch, layerBackward, type LayerGradients } from './layer-backward.ts';
import { layerActivations, layerInner, type LayerSaved } from './layers.ts';
import { factorBlock } from './lora.ts';
import type { ParameterPool } from './parameter-pool.ts';
import { layerBlock } from './parameters.ts';
import { trunkOps, type Trunk } from './trunk.ts';

export interface Plan extends Trunk {
  viewEnd: Activation;
  /** The same of layers with a window; absent where the model has none. */
  windowViewEnd?: Activation;
  idOwners: OwnerLists;
  head: HeadBuffers;
}

export function forwardOps(model: LanguageModel<Memory>, plan: Plan): Op<BatchDims>[] {
  const headOps = model.config.kind === 'reward' ? scoreForward : logprobForward;
  return [...trunkOps<BatchDims>(model, plan), ...headOps(model, plan.head, plan.output)];
}

export function backwardOps(
  model: LanguageModel<Memory>,
  plan: Plan,
  gradients: ParameterPool,
  ones: View,
  recompute: boolean,
): Op<BatchDims>[] {
  const { shape, inputs, viewEnd, windowViewEnd } = plan;
  const { hiddenSize, embeddingScale } = model.config;
  const dResidual = new Activation('dResidual', shape.maxTokens * hiddenSize);
  const headOps = model.config.kind === 'reward' ? scoreHeadBackward : logprobHeadBackward;
  const layers = plan.layers.map((kept, i) => {
    const saved = recompute ? layerActivations(shape, i, kept.input) : kept;
    return [
      ...(recompute ? innerAgain(model, plan, i, saved) : []),
      ...layerBackward<BatchDims>(
        shape,
        model.layer(i),
        layerGradients(gradients, i),
        saved,
        backwardScratch(shape, i, ones),
        { ...inputs, viewEnd, ...(windowViewEnd && { windowViewEnd }) },
        dResidual,
      ),
    ];
  });
  return [
    ...headOps(model, gradients, plan.head, dResidual),
    ...layers.reverse().flat(),
    ...embeddingBackward(gradients, plan, dResidual, hiddenSize, embeddingScale),
  ];
}

function innerAgain(
  model: LanguageModel<Memory>,
  { shape, inputs }: Plan,
  layer: number,
  saved: LayerSaved,
): Op<BatchDims>[] {
  return layerInner<BatchDims>(shape, model.layer(layer), saved, inputs).map(again);
}

function layerGradients(pool: ParameterPool, layer: number): LayerGradients {
  return {
    vector: (part) => pool.find(layerBlock(layer, part)),
    linear: (part) => ({
      weight: pool.find(layerBlock(layer, part)),
      a: pool.find(factorBlock(layer, part, 'A')),
      b: pool.find(factorBlock(layer, part, 'B')),
    }),
  };
}

function embeddingBackward(
  gradients: ParameterPool,
  plan: Plan,
  dOut: Activation,
  cols: number,
  scale: number | undefined,
): Op<BatchDims>[] {
  if (!gradients.has('embedding')) return [];
  return gradients.pieces('embedding').map(({ view, firstRow, rows }) =>
    gatherBackward<BatchDims>({
      dOut,
      ...plan.idOwners.lists,
      dTable: view,
      first: firstRow,
      count: rows,
      owners: (d) => d.idOwners,
      cols,
      scale,
      label: 'd-embedding',
    }),
  );
}
