/** The recipe of a stored run, as it would be given to train the run again. */
import { parse } from 'yaml';
import { CHECKPOINTS } from './facts.ts';
import { keysOf, recipeKeys } from '../../rl/recipe/keys.ts';
import { algorithms, defaultOf, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';

/** @throws Error if the text is not a recipe */
export function readRecipe(yaml: string): RecipeValues {
  const values = parse(yaml) as RecipeValues | null;
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values;
  throw new Error('not a recipe');
}

/**
 * Only what tells the run apart: values that are not defaults, and those for which `page`, the page's
 * default recipe, has a value, which would take their place otherwise. recipe.yaml has every key; a key
 * that was set to nothing is absent there, and null here.
 */
export function chosenOf(stored: RecipeValues, page: RecipeValues): RecipeValues {
  const { algorithm: given = recipeKeys.algorithm.default } = stored;
  if (!algorithms.includes(given as Algorithm)) return stored;
  const algorithm = given as Algorithm;
  const chosen: Record<string, RecipeValue> = { algorithm };
  for (const key of keysOf(algorithm)) {
    const spec: RecipeKeySpec = recipeKeys[key];
    const byDefault = key === 'save_total_limit' ? CHECKPOINTS : defaultOf(spec, algorithm);
    const value = stored[key] ?? (spec.optional ? null : undefined);
    if (value === undefined) continue;
    const isDefault = JSON.stringify(value) === JSON.stringify(byDefault ?? null);
    if (!isDefault || Object.hasOwn(page, key)) chosen[key] = value;
  }
  return chosen;
}
