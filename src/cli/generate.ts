import type { Tokenizer } from '../model/tokenizer.ts';
import { madeToThink } from '../rl/rollout/thinking-template.ts';
import { ROOM_FOR_RESPONSE } from '../rl/rollout/thought-end.ts';
import { sampleCompletions, UNFILTERED } from '../rl/rollout/sample.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, refuseRewardModel, withModel } from './open.ts';

/** A thought that leaves too little room for a response is not ended. */
function usualLimit(tokenizer: Tokenizer, { max_completion_length: most }: Lengths): number {
  const half = Math.floor(most / 2);
  return madeToThink(tokenizer) || half < ROOM_FOR_RESPONSE ? 0 : half;
}

interface Lengths {
  max_completion_length: number;
}

export const generate = defineCommand({
  name: 'generate',
  summary: 'Writes a thought and a response to a prompt.',
  options: {
    ...modelOption,
    ...baseOption,
    prompt: { type: 'text', help: "The user's message." },
    seed: { type: 'integer', default: 0, min: 0, help: 'The same seed gives the same text.' },
    thinking: { type: 'flag', default: true, help: 'Whether the model writes a thought first.' },
    temperature: {
      type: 'number',
      default: 0.7,
      min: 0,
      help: 'Temperature of the sampling; 0 always takes the most probable token.',
    },
    top_p: {
      type: 'number',
      default: 1,
      above: 0,
      max: 1,
      help: 'Samples only from the most probable tokens whose probabilities add up to this; 1 turns it off.',
    },
    max_completion_length: {
      type: 'integer',
      default: 128,
      min: 1,
      help: 'Longest completion, in tokens.',
    },
    max_thought_length: {
      type: 'integer',
      optional: true,
      min: 0,
      help: 'Longest thought, in tokens: then </think> is written for the model; 0 never does that. When it is not set, it is half of max_completion_length for a model that was not made to think, else 0.',
    },
  },
  run: ({ options }) =>
    withModel(options, async (model, load) => {
      refuseRewardModel(options.model, model);
      const tokenizer = await load();
      const [group] = await sampleCompletions(model, tokenizer, [options.prompt], {
        samplesPerPrompt: 1,
        thinking: options.thinking,
        malformed: 'lenient',
        maxThoughtLength: options.max_thought_length ?? usualLimit(tokenizer, options),
        sampling: {
          temperature: options.temperature,
          ...UNFILTERED,
          topP: options.top_p,
          seed: options.seed,
          maxNewTokens: options.max_completion_length,
        },
      });
      const [sample] = group?.samples ?? [];
      return { thought: sample?.thought ?? null, response: sample?.response ?? '' };
    }),
  format: ({ thought, response }) =>
    (thought === null ? '' : `thought:  ${thought}\n`) + `response: ${response}\n`,
});
