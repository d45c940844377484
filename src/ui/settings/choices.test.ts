import { expect, it } from 'vitest';
import { recipeKeys } from '../../rl/recipe/keys.ts';
import type { RecipeKeySpec } from '../../rl/recipe/spec.ts';
import { choiceLabel } from './choices.ts';

it('every choice of a recipe has a label of its own, in plain words', () => {
  for (const [key, spec] of Object.entries<RecipeKeySpec>(recipeKeys)) {
    if (spec.type !== 'choice') continue;
    const labels = spec.choices.map((choice) => choiceLabel(key, choice));
    expect(new Set(labels).size, key).toBe(labels.length);
    for (const label of labels) expect(label).toMatch(/^(?:[A-Z][\w .]+|k\d)$/);
    expect(labels.join()).not.toContain('_');
  }
});

it('abbreviations are in capitals, and unclear names have a plain label', () => {
  expect(choiceLabel('algorithm', 'grpo')).toBe('GRPO');
  expect(choiceLabel('loss_type', 'dr_grpo')).toBe('Dr. GRPO');
  expect(choiceLabel('lr_scheduler_type', 'constant_with_warmup')).toBe('Constant with warmup');
  expect(choiceLabel('algorithm', 'reward')).toBe('Reward model');
  expect(choiceLabel('kl_in', 'reward')).toBe('In the reward');
});
