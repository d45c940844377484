import { findCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, type RunFolder } from '../../rl/runs/run-folder.ts';
import { recipeToGoOn, valuesOf } from '../../rl/runs/same-run.ts';
import { makeRecipe, parseRecipe, type Recipe } from '../../rl/recipe/recipe.ts';

/** The recipe with which a stored run goes on. @throws Error if the folder holds no run */
export async function storedRecipe(folder: RunFolder): Promise<Recipe> {
  const yaml = await readText(folder, 'recipe.yaml');
  const { found } = await findCheckpoint(folder, 'sizes');
  if (found?.state.recipe) return makeRecipe(recipeToGoOn(found.state, valuesOf(yaml)));
  if (yaml !== undefined) return parseRecipe(yaml, 'recipe.yaml').recipe;
  throw new Error('This run has no recipe.yaml, so it cannot continue. Train it again.');
}
