/** Qwen 2 and 3: Llama with biases on q, k and v, and with norms of the query and key heads. */
import { layerTypes, readSliding, windowOf, type Differences, type Family } from './family.ts';
import type { Fields, Sizes } from './fields.ts';
import { ropeOf } from './rope.ts';

/** With use_sliding_window, the layers from max_window_layers on have a window. */
function readWindow(fields: Fields, { layers }: Sizes): Differences {
  if (!fields.flag('use_sliding_window')) {
    if (readSliding(fields, layers, () => false).includes(true)) {
      throw fields.unsupported('layer_types', 'full_attention without use_sliding_window');
    }
    return {};
  }
  const from = fields.get('max_window_layers') === 0 ? 0 : fields.size('max_window_layers', 28);
  const window = fields.size('sliding_window', 4096);
  return windowOf(
    window,
    readSliding(fields, layers, (layer) => layer >= from),
  );
}

const write: Family['write'] = (config) =>
  config.window
    ? {
        use_sliding_window: true,
        sliding_window: config.window,
        layer_types: layerTypes(config, config.layers),
      }
    : {};

export const qwen2: Family = {
  modelType: 'qwen2',
  causal: 'Qwen2ForCausalLM',
  reward: 'Qwen2ForSequenceClassification',
  defaults: { maxPositions: 32768 },
  rope: ropeOf(),
  read: (fields, sizes) => ({ attentionBias: true, ...readWindow(fields, sizes) }),
  write,
};

export const qwen3: Family = {
  modelType: 'qwen3',
  causal: 'Qwen3ForCausalLM',
  reward: 'Qwen3ForSequenceClassification',
  defaults: { maxPositions: 32768, headDim: 128 },
  rope: ropeOf(),
  read: (fields, sizes) => ({ qkNorm: 'head', ...readWindow(fields, sizes) }),
  write,
};
