/** What a trainer does not have, in a sentence. */
import { RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import { trlRecipe } from './trl/recipe.ts';

/**
 * @param missing what the recipe asks for (`is`) and the trainer lacks
 * @throws RecipeError if the recipe asks for any of it
 */
export function refuseMissing(
  trainer: string,
  recipe: Recipe,
  missing: readonly [is: boolean, what: string][],
): void {
  const found = missing.filter(([is]) => is).map(([, what]) => what);
  if (found.length === 0) return;
  const other = goesOnInTrl(recipe) ? 'use --to trl, or ' : '';
  throw new RecipeError(
    `${trainer} does not have ${found.join(', ')}; ${other}begin a run without it.`,
  );
}

function goesOnInTrl(recipe: Recipe): boolean {
  try {
    trlRecipe(recipe, 0, []);
    return true;
  } catch {
    return false;
  }
}
