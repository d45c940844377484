/** Recipe keys that only some algorithms have. */
import { MOST_SEQUENCES, MOST_TOKENS, type RecipeKeys } from './spec.ts';

export const examples = {
  max_length: {
    type: 'integer',
    default: 1024,
    min: 2,
    max: MOST_TOKENS,
    help: 'Longest training example, in tokens. Memory is planned for this length, and a longer example is an error.',
  },
} as const satisfies RecipeKeys;

export const lessons = {
  world_data: {
    type: 'choice',
    choices: ['demonstrations', 'base'],
    default: 'demonstrations',
    help: 'Which texts of the built-in world are used (ours): demonstrations of the task, or, for a base model, texts in which nobody does the task well.',
  },
} as const satisfies RecipeKeys;

export const judge = {
  center_rewards_coefficient: {
    type: 'number',
    default: 0,
    aliases: { null: 0 },
    min: 0,
    max: 100,
    help: 'Weight of a penalty that keeps the mean reward of a pair near zero; 0.01 is a good value, 0 turns it off.',
  },
} as const satisfies RecipeKeys;

export const generation = {
  log_completions: {
    type: 'flag',
    default: true,
    help: 'Writes every completion with its rewards to the run folder, one file per step.',
  },
  max_prompt_length: {
    type: 'integer',
    default: 512,
    min: 1,
    max: MOST_TOKENS,
    help: 'Longest prompt, in tokens. Memory is planned for this length, and a longer prompt is an error.',
  },
  num_generations: {
    type: 'integer',
    default: 8,
    defaults: { ppo: 1 },
    min: 1,
    max: MOST_SEQUENCES,
    help: 'Completions per prompt: the group that GRPO compares. A larger group gives a less noisy advantage; PPO compares nothing, so 1 is enough.',
  },
  max_completion_length: {
    type: 'integer',
    default: 256,
    min: 1,
    max: MOST_TOKENS,
    help: 'Longest completion, in tokens, thought and response together; raise it when many are cut off.',
  },
  max_thought_length: {
    type: 'integer',
    default: 0,
    min: 0,
    max: MOST_TOKENS,
    help: 'Longest thought, in tokens (ours): then </think> is written for the model, as where it would stop inside the thought, so that every completion has a response. The model learns nothing from tokens that it did not choose. 0 turns it off.',
  },
  temperature: {
    type: 'number',
    default: 1,
    above: 0,
    max: 10,
    help: "How randomly tokens are sampled: 1 uses the model's own probabilities, a lower value prefers the most probable tokens.",
  },
  top_p: {
    type: 'number',
    default: 1,
    above: 0,
    max: 1,
    help: 'Samples only from the most probable tokens whose probabilities add up to this; 1 turns it off.',
  },
  top_k: {
    type: 'integer',
    default: 0,
    aliases: { null: 0, '-1': 0 },
    min: 0,
    max: 2 ** 24,
    help: 'Samples only from this many of the most probable tokens; 0 turns it off.',
  },
  min_p: {
    type: 'number',
    default: 0,
    aliases: { null: 0 },
    min: 0,
    max: 1,
    help: 'Never samples a token whose probability is below this share of the most probable token; 0 turns it off.',
  },
} as const satisfies RecipeKeys;
