import type { Tokenizer } from '../model/tokenizer.ts';
import { madeToThink } from '../rl/rollout/thinking-template.ts';
import { ROOM_FOR_RESPONSE } from '../rl/recipe/spec.ts';
import { sampleCompletions, UNFILTERED } from '../rl/rollout/sample.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, refuseRewardModel, withModel } from './open.ts';
import { sayUnknownWords } from './unknown-words.ts';

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
      sayUnknownWords(tokenizer, options.prompt);
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
      const { thought, response, wellFormed, finished, ids, forced } = group!.samples[0]!;
      return {
        ...{ thought, response, tokens: ids.length },
        ...{ well_formed: wellFormed, truncated: !finished, thought_cut: forced !== undefined },
      };
    }),
  format: ({ thought, response, ...written }) =>
    (thought === null ? '' : `thought:  ${thought}\n`) +
    `response: ${response}\n` +
    remarks(written)
      .map((remark) => `note:     ${remark}\n`)
      .join(''),
});

/** What a reader may take for the model's own doing. */
function remarks(written: {
  tokens: number;
  well_formed: boolean;
  truncated: boolean;
  thought_cut: boolean;
}): string[] {
  const { tokens, well_formed: wellFormed, truncated, thought_cut: cut } = written;
  return [
    wellFormed ? '' : 'The thought was not ended, so all of the text stands as the response.',
    cut ? '</think> was written for the model; max_thought_length says when.' : '',
    truncated
      ? `The text was cut off after ${tokens} tokens; max_completion_length allows more.`
      : '',
  ].filter((remark) => remark !== '');
}
