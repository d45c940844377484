/** Recipes that break training on purpose: each shows what a part of the recipe is good for. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

export interface Preset {
  name: string;
  change: RecipeValues;
  /** What to watch for, in a sentence or two. */
  watch: string;
}

export const PRESETS: readonly Preset[] = [
  {
    name: 'Two tries a group',
    change: { num_generations: 2 },
    watch:
      'With two tries a group the advantage is always +0.71 and −0.71, however close the two were: watch the reward climb more unsteadily.',
  },
  {
    name: 'No KL penalty',
    change: { beta: 0 },
    watch:
      'Nothing holds the model near where it began: watch whether gold still follows the reward, and whether its thoughts stay true.',
  },
  {
    name: 'A reward that can be hacked',
    change: {
      reward_model_name_or_path: null,
      reward_funcs: ['public/rules/long-answer.js'],
      beta: 0,
    },
    watch:
      'In place of the judge a rule pays for words, and nothing else: watch gold fall while the reward climbs, and read what it has come to say. When we tried, it was greeting everybody by step 60.',
  },
  {
    name: 'No thought',
    change: { thinking: false },
    watch:
      'It has to answer at once: watch gold, which over five seeds ended at 0.42 without a thought and at 1.65 with one.',
  },
  {
    name: 'No warm start',
    change: { model_name_or_path: 'public/models/base' },
    watch:
      'It begins with a base model, which knows the words and has never seen a good answer. Watch it learn to close its thoughts, while gold stays far below where the warm start begins.',
  },
];

export const isApplied = (preset: Preset, overrides: RecipeValues): boolean =>
  Object.keys(preset.change).length === Object.keys(overrides).length &&
  Object.entries(preset.change).every(
    ([key, value]) => JSON.stringify(overrides[key]) === JSON.stringify(value),
  );
