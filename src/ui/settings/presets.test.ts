import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { isApplied, PRESETS } from './presets.ts';

const shipped = parse(readFileSync('recipes/default.yaml', 'utf8')) as RecipeValues;

describe.each(PRESETS)('the preset “$name”', (preset) => {
  it('can be trained, and changes something', () => {
    makeRecipe(layerRecipes(shipped, preset.change));
    for (const [key, value] of Object.entries(preset.change)) {
      expect(shipped[key]).not.toEqual(value);
    }
  });
  it('knows whether it is applied', () => {
    expect(isApplied(preset, preset.change)).toBe(true);
    expect(isApplied(preset, { ...preset.change, seed: 9 })).toBe(false);
    expect(isApplied(preset, {})).toBe(false);
  });
});
