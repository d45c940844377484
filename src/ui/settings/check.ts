/** Whether a recipe can be trained. Loaded when needed, because it includes the YAML reader. */
import { DEFAULT_RECIPE } from '../../app/default-recipe.ts';
import { messageOf } from '../../app/message-of.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { layerRecipes, recipeKeys } from '../../rl/recipe/keys.ts';

/** The recipe before any change: `start`, completed by recipes/default.yaml. */
export function baseRecipe(start: RecipeValues): RecipeValues {
  const known = Object.entries(start).filter(([key]) => Object.hasOwn(recipeKeys, key));
  return { ...DEFAULT_RECIPE, ...Object.fromEntries(known) };
}

/** Why these changes cannot be trained, in a sentence; null when they can. */
export function problemWith(start: RecipeValues, overrides: RecipeValues): string | null {
  return attempt(() => makeRecipe(layerRecipes(baseRecipe(start), overrides)));
}

/** The sentence of the error that `action` throws; null when it throws none. */
export function attempt(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
