/** Recipe keys of what judges completions, for every algorithm that samples them. */
import type { RecipeKeys } from './spec.ts';

export const rewards = {
  reward_model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of the reward model, a sequence classifier with one label; it sees prompt and response.',
  },
  judge_model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of an instruct model that is asked whether a response is good (ours): a reward besides, or in place of, the reward model.',
  },
  judge_prompt: {
    type: 'text',
    optional: true,
    help: 'What the judge is asked (ours): {prompt} and {response} stand for the two, and it must be a question that Yes or No answers.',
  },
  reward_funcs: {
    type: 'texts',
    default: [],
    help: 'JavaScript files, each a rule that gives a response a number: export default function (prompt, response, row) { return 1; }, where row has the other columns of the data, such as an answer; one file, or a list.',
  },
  reward_weights: {
    type: 'numbers',
    optional: true,
    help: 'How much each reward counts, in the order reward model, judge, rules; without them each counts 1.',
  },
  malformed: {
    type: 'choice',
    choices: ['lenient', 'strict'],
    default: 'lenient',
    help: 'A completion without the delimiter (ours): lenient judges the whole text, strict judges an empty answer.',
  },
  gold: {
    type: 'text',
    optional: true,
    help: 'A judge for evaluation alone (ours), which shows reward hacking: a world, or a reward model folder.',
  },
} as const satisfies RecipeKeys;
