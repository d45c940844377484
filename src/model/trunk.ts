/**
 * The trunk of a model over packed rows: token ids in, hidden states before the last norm out.
 */
import { Activation } from '../gpu/activations.ts';
import type { Op } from '../gpu/kernel.ts';
import { gather } from '../gpu/kernels/gather.ts';
import type { Memory } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import type { LanguageModel } from './language-model.ts';
import {
  layerActivations,
  layerInner,
  layerOutput,
  type LayerSaved,
  type LayerShape,
  type RowDims,
  type RowInputs,
} from './layers.ts';

export type { RowDims };

/** Written by the host. */
export type HostInputs = { [K in keyof RowInputs]: Activation };

export interface Trunk {
  shape: LayerShape;
  inputs: HostInputs;
  embedded: Activation; // [N, D]
  layers: LayerSaved[];
  /** The last layer's output, [N, D]. */
  output: Activation;
}

/** The shape that the ops of all layers share, with memory planned for `maxTokens` rows. */
export function layerShape(model: LanguageModel<Memory>, maxTokens: number): LayerShape {
  const { config, lora } = model;
  return { config, maxTokens, lora: lora?.config };
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
  return { shape, inputs: rowInputs(model.config, maxTokens), embedded, layers, output };
}

/** The token, position and span of each row; the host writes them before a replay. */
export function rowInputs({ window }: Pick<ModelConfig, 'window'>, rows: number): HostInputs {
  return {
    ids: new Activation('ids', rows, true),
    positions: new Activation('positions', rows, true),
    spans: new Activation('spans', 4 * rows, true),
    ...(window !== undefined && { windowSpans: new Activation('window spans', 4 * rows, true) }),
  };
}

export function uploadRows(
  memory: Memory,
  inputs: HostInputs,
  rows: { [K in keyof HostInputs]: Uint32Array },
): void {
  for (const key of ['ids', 'positions', 'spans', 'windowSpans'] as const) {
    const view = inputs[key]?.view;
    const data = rows[key];
    if (view && data && data.length > 0) memory.upload(view, data);
  }
}

/** ids [N] -> rows of the embedding [N, D], times the model's factor; one op per piece of the table. */
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
      scale: model.config.embeddingScale,
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
      ...layerOutput<D>(trunk.shape, model.layer(i), saved),
    ]),
  ];
}
