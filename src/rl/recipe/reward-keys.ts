/** Recipe keys of the rewards, for every algorithm that samples completions. */
import { MOST_TOKENS, type RecipeKeys } from './spec.ts';

export const rewards = {
  reward_model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of the reward model, a sequence classifier with one label. It reads the prompt and the response, not the thought.',
  },
  judge_model_name_or_path: {
    type: 'text',
    optional: true,
    help: 'Folder of an instruct model that is asked whether a response is good (ours), in addition to the reward model or without one.',
  },
  judge_prompt: {
    type: 'text',
    optional: true,
    help: 'The question to the judge (ours), which Yes or No must answer. {prompt} and {response} are replaced by the two texts.',
  },
  reward_funcs: {
    type: 'texts',
    default: [],
    help: 'One JavaScript file or a list, each a rule that returns a number for a response: export default function (prompt, response, row) { return 1; }. row has the other columns of the data, such as an answer.',
  },
  reward_weights: {
    type: 'numbers',
    optional: true,
    help: 'Weight of each reward, in the order reward model, judge, rules; when it is not set, each weight is 1.',
  },
  soft_punish_cache: {
    type: 'integer',
    default: 0,
    min: 0,
    max: MOST_TOKENS,
    help: "Lowers the reward of a completion in its last tokens before max_completion_length: by nothing this many tokens before it, by 1 at it (DAPO's soft overlong punishment). 0 turns it off.",
  },
  malformed: {
    type: 'choice',
    choices: ['lenient', 'strict'],
    default: 'lenient',
    help: 'How a completion without the delimiter is judged (ours): lenient judges the whole text, strict an empty response.',
  },
  gold: {
    type: 'text',
    optional: true,
    help: 'A judge for evaluation only (ours), never used in training, to detect reward hacking: a world, or the folder of a reward model.',
  },
} as const satisfies RecipeKeys;
