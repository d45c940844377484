/**
 * The trunk of a model over packed rows: token ids in, hidden states before the last norm out.
 */
import { Activation } from '../gpu/activations.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Op } from '../gpu/kernel.ts';
import { gather } from '../gpu/kernels/gather.ts';
import type { PackedBatch } from './batch.ts';
import type { LanguageModel } from './language-model.ts';
import {
  layerActivations,
  layerForward,
  type LayerSaved,
  type LayerShape,
  type RowDims,
  type RowInputs,
} from './layers.ts';

export type { RowDims };

export interface Trunk {
  shape: LayerShape;
  inputs: Record<keyof RowInputs, Activation>;
  embedded: Activation; // [N, D]
  layers: LayerSaved[];
  /** The last layer's output, [N, D]. */
  output: Activation;
}

export function rowActivations(model: LanguageModel, maxTokens: number): Trunk {
  const shape = { config: model.config, maxTokens, frequencies: model.frequencies };
  const embedded = new Activation('embedded', maxTokens * model.config.hiddenSize);
  const layers: LayerSaved[] = [];
  let output = embedded;
  for (let layer = 0; layer < model.config.layers; layer++) {
    const saved = layerActivations(shape, layer, output);
    layers.push(saved);
    output = saved.output;
  }
  return { shape, inputs: rowInputs(maxTokens), embedded, layers, output };
}

/** Where each row stands and what token it holds; the host fills these before a replay. */
export function rowInputs(rows: number): Trunk['inputs'] {
  return {
    ids: new Activation('ids', rows, true),
    positions: new Activation('positions', rows, true),
    spans: new Activation('spans', 4 * rows, true),
  };
}

export function uploadRows(
  gpu: Gpu,
  inputs: Trunk['inputs'],
  rows: Pick<PackedBatch, 'ids' | 'positions' | 'spans'>,
): void {
  for (const key of ['ids', 'positions', 'spans'] as const) {
    const { view } = inputs[key];
    if (view && rows[key].length > 0) gpu.upload(view, rows[key]);
  }
}

export function embed<D extends RowDims>(
  model: LanguageModel,
  ids: Activation,
  out: Activation,
): Op<D> {
  return gather<D>({
    table: model.block('embedding'),
    ids,
    out,
    rows: (d) => d.tokens,
    cols: model.config.hiddenSize,
    label: 'embedding',
  });
}

export function trunkOps<D extends RowDims>(model: LanguageModel, trunk: Trunk): Op<D>[] {
  return [
    embed<D>(model, trunk.inputs.ids, trunk.embedded),
    ...trunk.layers.flatMap((saved, i) =>
      layerForward<D>(trunk.shape, model.layer(i), saved, trunk.inputs),
    ),
  ];
}
