import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { algorithms } from '../../rl/recipe/spec.ts';
import { algorithmChange, rolloutAlgorithms, twinsOf } from './twins.ts';

const shipped = parse(readFileSync('recipes/default.yaml', 'utf8')) as RecipeValues;

describe('every algorithm', () => {
  it.each(algorithms)(
    '%s trains on the default recipe, without keys of other algorithms',
    (algorithm) => {
      const recipe = makeRecipe(layerRecipes(shipped, algorithmChange(algorithm)));
      expect(recipe.algorithm).toBe(algorithm);
      expect(recipe.seed).toBe(shipped['seed']);
    },
  );
});

describe('twinsOf', () => {
  it('flips the thought, and offers the other algorithms that write', () => {
    expect(twinsOf(shipped).map(({ label }) => label)).toEqual([
      'Without a thought',
      ...rolloutAlgorithms
        .filter((name) => name !== 'grpo')
        .map((name) => `With ${name.toUpperCase()}`),
    ]);
    expect(twinsOf({ thinking: false })[0]).toEqual({
      label: 'With a thought',
      change: { thinking: true },
    });
  });
  it('makes recipes that can be trained', () => {
    for (const { change } of twinsOf(shipped)) makeRecipe(layerRecipes(shipped, change));
    expect(rolloutAlgorithms).toContain('grpo');
    expect(rolloutAlgorithms).not.toContain('sft');
  });
});
