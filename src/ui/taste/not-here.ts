/** Where a taste cannot be learnt: the judge that goes on learning knows dinners alone. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

const INSTEAD =
  'To teach another model your taste, write preferences into a file, {"prompt", "chosen", "rejected"} ' +
  'on each line, drop it on this page, and learn from its pairs by DPO.';

/**
 * Why this section cannot be used and what to do instead, in two sentences; null when it can.
 * @param kept of the run that the policies of this section are taken from; undefined for the page's own
 * @param next of the run that this section would begin
 * @param isDinner whether the model of a path in a recipe knows the words of dinners
 */
export function tasteProblem(
  kept: RecipeValues | undefined,
  next: RecipeValues,
  isDinner: (path: string) => boolean,
): string | null {
  const modelOf = ({ model_name_or_path: path }: RecipeValues): boolean =>
    typeof path !== 'string' || isDinner(path);
  if (next['datasets']) {
    return `Your taste is learnt on dinners, and you have chosen prompts of your own: choose the dinners again to use this. ${INSTEAD}`;
  }
  if (!modelOf(next)) {
    return `Your taste is learnt on dinners, which the model that you brought was not made for: choose the dinner planner of this page again to use this. ${INSTEAD}`;
  }
  if (kept && (kept['datasets'] || !modelOf(kept))) {
    return `Your taste is learnt on dinners, which the run kept in this browser is not about: train the dinner planner of this page for some steps to use this. ${INSTEAD}`;
  }
  return null;
}
