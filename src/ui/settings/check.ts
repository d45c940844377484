/** Whether a recipe can be trained. Loaded when it is needed, since it brings the YAML reader along. */
import { parse } from 'yaml';
import defaultYaml from '../../../recipes/default.yaml?raw';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { layerRecipes, recipeKeys } from '../../rl/recipe/keys.ts';

/** Where a sentence of recipe.ts says a value stands; here everybody knows. */
export const PLACE = 'settings';
const SHIPPED = parse(defaultYaml) as RecipeValues;

/** The recipe before any change: that of the recorded run, and what it leaves to recipes/default.yaml. */
export function baseRecipe(recorded: RecipeValues): RecipeValues {
  const known = Object.entries(recorded).filter(([key]) => Object.hasOwn(recipeKeys, key));
  return { ...SHIPPED, ...Object.fromEntries(known) };
}

/** Why these changes cannot be trained, in a sentence; null when they can. */
export function problemWith(recorded: RecipeValues, overrides: RecipeValues): string | null {
  return attempt(() => makeRecipe(layerRecipes(baseRecipe(recorded), overrides)));
}

/** The sentence of the error that `action` throws, without the place; null when it throws none. */
export function attempt(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const sentence = text.startsWith(`${PLACE}: `) ? text.slice(PLACE.length + 2) : text;
    return sentence.charAt(0).toUpperCase() + sentence.slice(1);
  }
}
