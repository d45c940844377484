/**
 * The trunk of a model over packed rows: token ids in, hidden states before the last norm out.
 */
import { Activation } from '../gpu/activations.ts';
import type { Op } from '../gpu/kernel.ts';
import { gather } from '../gpu/kernels/gather.ts';
import type { Memory } from '../gpu/memory.ts';
import type { PackedBatch } from './batch.ts';
import type { LanguageModel } from './language-model.ts';
import {
  layerActivations,
  layerInner,
  projectDown,
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

/** The shape that the ops of all layers share, with memory planned for `maxTokens` rows. */
export function layerShape(model: LanguageModel<Memory>, maxTokens: number): LayerShape {
  const { config, frequencies, lora } = model;
  return { config, maxTokens, frequencies, lora: lora?.config };
}

export function rowActivations(model: LanguageModel<Memory>, maxTokens: number): Trunk {
  const shape = layerShape(model, maxTokens);
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

/** The token, position and span of each row; the host writes them before a replay. */
export function rowInputs(rows: number): Trunk['inputs'] {
  return {
    ids: new Activation('ids', rows, true),
    positions: new Activation('positions', rows, true),
    spans: new Activation('spans', 4 * rows, true),
  };
}

export function uploadRows(
  memory: Memory,
  inputs: Trunk['inputs'],
  rows: Pick<PackedBatch, 'ids' | 'positions' | 'spans'>,
): void {
  for (const key of ['ids', 'positions', 'spans'] as const) {
    const { view } = inputs[key];
    if (view && rows[key].length > 0) memory.upload(view, rows[key]);
  }
}

/** ids [N] -> rows of the embedding [N, D]; one op per piece of the table. */
export function embed<D extends RowDims>(
  model: LanguageModel<Memory>,
  ids: Activation,
  out: Activation,
): Op<D>[] {
  return model.weights.pieces('embedding').map(({ view, firstRow, rows: count }) =>
    gather<D>({
      table: view,
      ids,
      out,
      rows: (d) => d.tokens,
      cols: model.config.hiddenSize,
      first: firstRow,
      count,
      label: 'embedding',
    }),
  );
}

export function trunkOps<D extends RowDims>(model: LanguageModel<Memory>, trunk: Trunk): Op<D>[] {
  return [
    ...embed<D>(model, trunk.inputs.ids, trunk.embedded),
    ...trunk.layers.flatMap((saved, i) => [
      ...layerInner<D>(trunk.shape, model.layer(i), saved, trunk.inputs),
      ...projectDown<D>(model.layer(i), saved),
    ]),
  ];
}
