import { packBatch, type TokenGroup } from '../model/batch.ts';
import { BatchRunner } from '../model/batch-runner.ts';
import { CheckpointError } from '../model/errors.ts';
import { rewardModelTokens, upToScore } from '../rl/rewards/reward-model.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { modelOption, parseIds, withModel } from './open.ts';
import { sayUnknownWords } from './unknown-words.ts';

export const score = defineCommand({
  name: 'score',
  summary:
    'Prints the score that a reward model gives to a response, or to a sequence of token ids.',
  options: {
    ...modelOption,
    ids: { type: 'text', optional: true, help: 'Token ids, such as 3,5,7, without a template.' },
    prompt: { type: 'text', optional: true, help: "The user's message; needs --response." },
    response: { type: 'text', optional: true, help: "The assistant's message; needs --prompt." },
  },
  async run({ options: { model: path, ids, prompt, response } }) {
    const texts = [prompt, response].filter((text) => text !== undefined).length;
    if (texts !== (ids === undefined ? 2 : 0)) {
      throw new UsageError(
        'score takes either --ids, or --prompt and --response; give one of the two',
      );
    }
    return withModel({ model: path }, async (model, tokenizer) => {
      if (model.config.kind !== 'reward') {
        throw new CheckpointError(`${path} is a causal language model; score needs a reward model`);
      }
      const { vocabSize, padTokenId } = model.config;
      const text = { prompt: prompt ?? '', response: response ?? '' };
      const read = async (): Promise<TokenGroup> => {
        const own = await tokenizer();
        for (const words of [text.prompt, text.response]) sayUnknownWords(own, words);
        return rewardModelTokens(own, [text], padTokenId);
      };
      const group =
        ids === undefined
          ? await read()
          : { prompt: upToScore(parseIds(ids, vocabSize), padTokenId), completions: [[]] };
      const limits = { maxTokens: group.prompt.length, maxTargets: 1 };
      const runner = await BatchRunner.create(model, limits);
      const { values } = await runner.forward(packBatch([group], 'score'));
      return { score: values[0] as number };
    });
  },
  format: (result) => `${result.score}\n`,
});
