import { nodeFolder } from '../model/node-files.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { exampleCompletion, previewRecipe, type SeenText } from '../app/preview.ts';
import { promptSource } from '../app/opening/data.ts';
import { isFlag } from '../rl/recipe/recipe.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { openRecipe, readRecipeFile } from './open.ts';

export const preview = defineCommand({
  name: 'preview',
  positionals: { RECIPE: 'A YAML file, such as recipes/default.yaml.' },
  summary:
    'Shows what the policy and each reward of a recipe will read, as texts and as token ids.',
  options: {
    prompt: {
      type: 'text',
      optional: true,
      help: 'A prompt, or a conversation as JSON; by default the first prompt of the recipe.',
    },
    completion: {
      type: 'text',
      optional: true,
      help: 'A completion that the policy might write; by default an example.',
    },
  },
  others: { isFlag },
  notes: 'Any recipe key can be given as --key value. No device is opened and no weights are read.',
  async run({ positionals: [path = ''], options, others }) {
    const recipe = await openRecipe(path, others);
    if (recipe.algorithm === 'reward') {
      throw new UsageError(`${path} trains a reward model; name a recipe that trains a policy`);
    }
    const load = async (folder: string | undefined): Promise<Tokenizer | undefined> =>
      folder === undefined ? undefined : Tokenizer.load(await nodeFolder(folder));
    const tokenizers = {
      policy: (await load(recipe.model_name_or_path))!,
      rewardModel: await load(recipe.reward_model_name_or_path),
      judge: await load(recipe.judge_model_name_or_path),
    };
    const prompt = options.prompt ?? (await promptSource(recipe, readRecipeFile)).at(0).prompt;
    const completion = options.completion ?? exampleCompletion(recipe.thinking);
    return { prompt, completion, ...previewRecipe(recipe, tokenizers, prompt, completion) };
  },
  format: ({ policy, completion, rewards }) =>
    [
      section('The policy reads', policy),
      `It might write:\n\n${indented(completion)}\n`,
      ...rewards.map((reward) => {
        const who = `${reward.name} (weight ${reward.weight})`;
        if (reward.kind === 'model') return section(`${who} reads`, reward.sees);
        return `${who} is given the prompt and\n\n${indented(reward.response)}\n`;
      }),
    ].join('\n'),
});

function section(what: string, { text, ids, unknown, template }: SeenText): string {
  const strange = unknown > 0 ? `, ${unknown} of them not in its vocabulary` : '';
  const chosen = template === undefined ? '' : ` (chat template: ${template})`;
  return `${what} ${ids.length} tokens${strange}${chosen}:\n\n${indented(text)}\n`;
}

const indented = (text: string): string => text.replace(/^/gm, '  | ');
