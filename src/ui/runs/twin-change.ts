/** A twin with another value for one key of the recipe. Loaded with the table of runs. */
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { checkValue } from '../../rl/recipe/check.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { attempt, baseRecipe } from '../settings/check.ts';
import {
  findFields,
  formOf,
  labelOf,
  textOf,
  valueOfText,
  type Field,
} from '../settings/fields.ts';
import { algorithmChange, type Twin } from './twins.ts';

/** The fields whose value a twin may change. */
export function fieldsOf(recipe: RecipeValues): Field[] {
  return findFields(formOf(makeRecipe(baseRecipe(recipe)).algorithm), '');
}

/** The value of a key in the run. */
export function valueIn(recipe: RecipeValues, key: string): RecipeValue | undefined {
  const whole = makeRecipe(baseRecipe(recipe)) as Record<string, unknown>;
  return whole[key] as RecipeValue | undefined;
}

/** @returns the twin, or why it cannot be trained, in a sentence */
export function twinWith(
  recipe: RecipeValues,
  { key, spec }: Field,
  given: string | boolean,
): { twin: Twin } | { problem: string } {
  const text = typeof given === 'string' ? valueOfText(spec, given) : given;
  let change: RecipeValues = {};
  const problem = attempt(() => {
    const value = (checkValue(key, spec, text, '') as RecipeValue | undefined) ?? null;
    if (JSON.stringify(value) === JSON.stringify(valueIn(recipe, key) ?? null)) {
      throw new Error('This is the value of the run itself; choose another one.');
    }
    change = key === 'algorithm' ? algorithmChange(value as 'grpo') : { [key]: value };
    makeRecipe(layerRecipes(baseRecipe(recipe), change));
  });
  if (problem !== null) return { problem };
  return { twin: { label: `${labelOf(key)} ${textOf(change[key])}`, change } };
}
