import { layerTypes, readSliding, windowOf, type Family } from './family.ts';
import type { Fields } from './fields.ts';
import { ropeOf } from './rope.ts';

/** Llama without rotation in every fourth layer; with use_sliding_window those layers have a window. */
export const smollm3: Family = {
  modelType: 'smollm3',
  causal: 'SmolLM3ForCausalLM',
  reward: 'SmolLM3ForSequenceClassification',
  defaults: { maxPositions: 32768, tieWordEmbeddings: true },
  rope: ropeOf({ theta: 2e6 }),
  read: (fields, { layers }) => {
    const rotated = readRotated(fields, layers);
    const hasWindow = fields.flag('use_sliding_window') && fields.has('sliding_window');
    const sliding = readSliding(fields, layers, (layer) => hasWindow && !rotated[layer]);
    return { rotated, ...(hasWindow && windowOf(fields.size('sliding_window'), sliding)) };
  },
  write: (config) => ({
    no_rope_layers: config.rotated!.map(Number),
    use_sliding_window: config.window !== undefined,
    sliding_window: config.window ?? null,
    layer_types: layerTypes(config, config.layers),
  }),
};

/** no_rope_layers has 1 for each layer that is rotated, in spite of its name. */
function readRotated(fields: Fields, layers: number): boolean[] {
  const given = fields.get('no_rope_layers') ?? undefined;
  if (given === undefined) {
    const interval = fields.size('no_rope_layer_interval', 4);
    return Array.from({ length: layers }, (_, i) => (i + 1) % interval !== 0);
  }
  const known: readonly unknown[] = [0, 1, true, false];
  if (!Array.isArray(given) || given.length < layers || !given.every((x) => known.includes(x))) {
    throw fields.error('no_rope_layers', `must be 0 or 1 for each of ${layers} layers`);
  }
  return given.slice(0, layers).map(Boolean);
}
