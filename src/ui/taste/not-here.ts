/** Why the visitor's taste cannot be learnt: the reward model that learns it knows only dinners. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

const INSTEAD =
  'To teach another model your taste, write preferences into a file, {"prompt", "chosen", "rejected"} ' +
  'on each line. Drop it on this page, and learn from its pairs with DPO.';

/**
 * Why this section cannot be used and what to do instead, in a few sentences; null if it can.
 * @param kept of the run from which this section takes its policies; undefined for the recorded run
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
    return `This section works only with dinners, and you have chosen prompts of your own: choose the dinners again to use it. ${INSTEAD}`;
  }
  if (!modelOf(next)) {
    return `This section works only with dinners, and the model that you brought was not made for them: choose the dinner planner of this page again to use it. ${INSTEAD}`;
  }
  if (kept && (kept['datasets'] || !modelOf(kept))) {
    return `This section works only with dinners, and the run kept in this browser is not about them: train the dinner planner of this page for some steps to use it. ${INSTEAD}`;
  }
  return null;
}
