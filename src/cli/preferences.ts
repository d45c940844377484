import { jsonLines } from '../rl/data/json-lines.ts';
import { sampleCompletions, UNFILTERED } from '../rl/rollout/sample.ts';
import { Random } from '../rl/random.ts';
import { preferenceGroup } from '../rl/world/preferences.ts';
import { drawPrompt, promptText } from '../rl/world/prompts.ts';
import { defineCommand } from './command.ts';
import { modelOption, refuseRewardModel, withModel } from './open.ts';
import { Progress } from './progress.ts';
import { writeResult } from './write-result.ts';

export const preferences = defineCommand({
  name: 'preferences',
  summary:
    'Makes preference data from the built-in world: responses of a policy and of others, ranked by a noisy rater.',
  options: {
    ...modelOption,
    num_prompts: {
      type: 'integer',
      default: 1000,
      min: 1,
      help: 'Number of prompts, one line of the file each.',
    },
    responses: {
      type: 'integer',
      default: 8,
      min: 2,
      help: 'Responses to each prompt: one of the policy with a thought, one without, the rest of other writers.',
    },
    max_completion_length: {
      type: 'integer',
      default: 76,
      min: 1,
      help: 'Longest completion, in tokens.',
    },
    seed: { type: 'integer', default: 0, min: 0, help: 'The same seed gives the same data.' },
    out: { type: 'text', help: 'JSONL file to write, with rows {prompt, responses, pairs}.' },
  },
  run: ({ options }) =>
    withModel(options, async (model, load) => {
      refuseRewardModel(options.model, model);
      const tokenizer = await load();
      const { seed, num_prompts: count } = options;
      const asked = Array.from({ length: count }, (_, i) => {
        const random = new Random(seed, `preferences ${i}`);
        return { random, prompt: drawPrompt(random) };
      });
      const prompts = asked.map(({ prompt }) => promptText(prompt));
      const progress = new Progress(2 * count);
      const sample = async (thinking: boolean): Promise<string[]> => {
        const groups = await sampleCompletions(
          model,
          tokenizer,
          prompts,
          {
            samplesPerPrompt: 1,
            thinking,
            malformed: 'lenient',
            sampling: {
              temperature: 1,
              ...UNFILTERED,
              seed: new Random(seed, `sampling, thinking ${thinking}`).uint32(),
              maxNewTokens: options.max_completion_length,
            },
          },
          (done) => progress.update(thinking ? done : count + done),
        );
        return groups.flatMap(({ samples }) => samples.map(({ response }) => response));
      };
      const thoughtful = await sample(true);
      const direct = await sample(false);
      const rows = asked.map(({ random, prompt }, i) => {
        const sampled = [thoughtful[i]!, direct[i]!];
        return preferenceGroup(random, prompt, sampled, options.responses);
      });
      progress.clear();
      await writeResult(options.out, jsonLines(rows));
      return { out: options.out, prompts: count };
    }),
  format: ({ out, prompts }) => `${out}: preferences for ${prompts} prompts\n`,
});
