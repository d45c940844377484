/** Names of the gold judge, which scores a run's responses and is never trained on. */
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';

/** The hidden taste of the dinner world's guests: it judges only prompts of that world. */
export const TRUE_TASTE = 'meal-planner';

/** Whether `gold` of a recipe is a reward model, and not the hidden true score of a world. */
export const isJudge = (gold: RecipeValue | undefined): boolean =>
  typeof gold === 'string' && gold !== TRUE_TASTE;

/** The gold of a run; null if it has none, undefined while that is not known. */
export function goldOf(recipe: RecipeValues, measured: boolean): RecipeValue | undefined {
  const known = measured || Object.keys(recipe).length > 0;
  return recipe['gold'] ?? (known && !measured ? null : undefined);
}

/** The name of gold in legends and tables. */
export const goldLabel = (gold: RecipeValue | undefined): string =>
  isJudge(gold) ? 'Gold, a judge that was not trained on' : 'Gold, the hidden true score';

/** What gold is, in a sentence. */
export const goldNote = (gold: RecipeValue | undefined): string =>
  isJudge(gold)
    ? 'Gold is another judge’s score of the same responses: measured, never trained on.'
    : 'Gold is the hidden true score of the same responses: measured, never trained on.';
