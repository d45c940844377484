import { describeModel } from '../model/describe.ts';
import { nodeFolder } from '../model/node-files.ts';
import { layoutParameters } from '../model/parameters.ts';
import { defineCommand } from './command.ts';
import { modelOption } from './open.ts';
import { table } from './text.ts';

export const info = defineCommand({
  name: 'info',
  summary: 'What a model folder holds, and the memory its weights need.',
  options: modelOption,
  async run({ options }) {
    const folder = await nodeFolder(options.model);
    const { config, parameters, dtypes } = await describeModel(folder);
    const { elements } = layoutParameters(config);
    return {
      model: folder.name,
      family: config.family,
      kind: config.kind,
      parameters,
      dtype: dtypes.join(', '),
      layers: config.layers,
      hidden_size: config.hiddenSize,
      heads: config.heads,
      kv_heads: config.kvHeads,
      vocab_size: config.vocabSize,
      // Weights alone; training adds the gradient and two moments. Activations depend on the recipe.
      memory: { run: 4 * elements, full: 16 * elements },
    };
  },
  format: ({ memory, ...facts }) =>
    table([
      ...Object.entries(facts).map(([key, value]) => [key.replaceAll('_', ' '), String(value)]),
      ['weights in memory', `${(memory.run / 2 ** 20).toFixed(1)} MiB`],
      ['weights, gradients and moments', `${(memory.full / 2 ** 20).toFixed(1)} MiB`],
    ]),
});
