/** Whether a stored run can go on, and with which recipe. */
import { parseJsonLines } from '../../rl/data/json-lines.ts';
import { findCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, type RunFolder } from '../../rl/runs/run-folder.ts';
import { recipeToGoOn, valuesOf } from '../../rl/runs/same-run.ts';
import type { MetricsRow } from '../../rl/report.ts';
import { makeRecipe, parseRecipe, type Recipe } from '../../rl/recipe/recipe.ts';

/** The recipe with which a stored run goes on. @throws Error if the folder holds no run */
export async function storedRecipe(folder: RunFolder): Promise<Recipe> {
  const yaml = await readText(folder, 'recipe.yaml');
  const { found } = await findCheckpoint(folder, 'sizes');
  if (found?.state.recipe) return makeRecipe(recipeToGoOn(found.state, valuesOf(yaml)));
  if (yaml !== undefined) return parseRecipe(yaml, 'recipe.yaml').recipe;
  throw new Error('This run has no recipe.yaml, so it cannot continue. Train it again.');
}

/** @throws Error if the run has more steps than one that was killed before its first checkpoint */
export async function refuseToErase(folder: RunFolder, { save_steps }: Recipe): Promise<void> {
  const { rows } = parseJsonLines<MetricsRow>((await readText(folder, 'metrics.jsonl')) ?? '');
  const steps = rows.filter(({ step }) => step > 0).length;
  if (steps <= save_steps) return;
  throw new Error(
    `This run has ${steps} steps and no checkpoint to continue from. ` +
      'Copy its settings to the recipe to train it again.',
  );
}
