/** How the gold judge is called, which a run is watched by and never trained on. */
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';

/** The hidden taste of the dinner world's guests: it judges that world's prompts alone. */
export const TRUE_TASTE = 'meal-planner';

/** Whether `gold` of a recipe is a reward model, in place of the hidden truth of a world. */
export const isJudge = (gold: RecipeValue | undefined): boolean =>
  typeof gold === 'string' && gold !== TRUE_TASTE;

/** The gold of a run; null where nobody watches it, undefined where that is not known yet. */
export function goldOf(recipe: RecipeValues, measured: boolean): RecipeValue | undefined {
  const known = measured || Object.keys(recipe).length > 0;
  return recipe['gold'] ?? (known && !measured ? null : undefined);
}

/** As legends and tables name it. */
export const goldLabel = (gold: RecipeValue | undefined): string =>
  isJudge(gold) ? 'Gold, a judge that was not trained on' : 'Gold, the hidden true score';

/** What it says of the responses, in a sentence. */
export const goldNote = (gold: RecipeValue | undefined): string =>
  isJudge(gold)
    ? 'Gold is what another judge says of the same responses: measured, never trained on.'
    : 'Gold is the hidden true score of the same responses: measured, never trained on.';
