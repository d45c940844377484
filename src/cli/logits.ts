import { sequenceLogits } from '../model/logits.ts';
import { CheckpointError } from '../model/errors.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, parseIds, withModel } from './open.ts';

export const logits = defineCommand({
  name: 'logits',
  summary: 'Prints the logits at every position of a sequence of token ids.',
  options: {
    ...modelOption,
    ...baseOption,
    ids: { type: 'text', help: 'Token ids, such as 3,5,7.' },
  },
  run: ({ options }) =>
    withModel(options, async (model) => {
      if (model.config.kind === 'reward') {
        throw new CheckpointError(`${options.model} is a reward model; use score`);
      }
      const rows = await sequenceLogits(model, parseIds(options.ids, model.config.vocabSize));
      return { logits: rows.map((row) => [...row]) };
    }),
  format: (result) =>
    result.logits.map((row) => row.map((v) => v.toFixed(4)).join(' ') + '\n').join(''),
});
