/** What a trainer does not have, in a sentence with what to do. The page shows it too. */
import { RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import { saveInstead } from './save-instead.ts';
import { trlRecipe } from './trl/recipe.ts';

/** @throws RecipeError for another algorithm than GRPO */
export function requireGrpo(trainer: string, recipe: Recipe): void {
  if (recipe.algorithm === 'grpo') return;
  const other = goesOnInTrl(recipe) ? 'use TRL (--to trl)' : saveInstead(recipe);
  throw new RecipeError(
    `algorithm is ${recipe.algorithm}, but only a GRPO run goes on in ${trainer}; for this run, ${other}.`,
  );
}

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
  const other = goesOnInTrl(recipe) ? 'use TRL (--to trl), or ' : '';
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
