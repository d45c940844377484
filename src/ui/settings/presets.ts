/** Recipes that break training on purpose: each shows why a part of the recipe is needed. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

export interface Preset {
  name: string;
  change: RecipeValues;
  /** What to watch for, in a sentence or two. */
  watch: string;
}

export const PRESETS: readonly Preset[] = [
  {
    name: 'Two tries for each prompt',
    change: { num_generations: 2 },
    watch:
      'With two tries in a group, the advantages are always +0.71 and −0.71, even if the two rewards are close. Watch the reward rise less steadily.',
  },
  {
    name: 'No KL penalty',
    change: { beta: 0 },
    watch:
      'Nothing keeps the model near its start. Watch whether gold still follows the reward, and whether the thoughts stay true.',
  },
  {
    name: 'A reward that can be hacked',
    change: {
      reward_model_name_or_path: null,
      reward_funcs: ['public/rules/long-answer.js'],
      beta: 0,
    },
    watch:
      'A rule replaces the judge and rewards only the number of words. Watch gold fall while the reward rises, and read what the model writes. In our run it greeted everybody by step 60.',
  },
  {
    name: 'No thought',
    change: { thinking: false },
    watch:
      'The model has to answer at once. Watch gold: over five seeds it ended at 0.42 without a thought and at 1.65 with one.',
  },
  {
    name: 'No warm start',
    change: { model_name_or_path: 'public/models/base' },
    watch:
      'The run starts from a base model. It can subtract prices and judge a plan, but it has never seen that a thought leads to a good response. Watch gold rise, far below its level after a warm start: over five seeds of 100 steps from −1.33 to −0.83.',
  },
];

export const isApplied = (preset: Preset, overrides: RecipeValues): boolean =>
  Object.keys(preset.change).length === Object.keys(overrides).length &&
  Object.entries(preset.change).every(
    ([key, value]) => JSON.stringify(overrides[key]) === JSON.stringify(value),
  );
