import type { MeasuredTexts } from '../../app/page-preview.ts';
import type { Preview } from '../../app/preview.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { previewWorker } from '../models/models-worker.ts';

/**
 * What the models of the next run will see.
 * @throws Error with a sentence: an impossible recipe, a model that is gone, a template that refuses
 */
export const previewOnPage = (
  values: RecipeValues,
  prompt: string,
  completion: string,
): Promise<Preview> => previewWorker().preview(values, prompt, completion);

/** Tokens of the longest prompt and of the longest response, with its end token, for the policy. */
export const longestTexts = (
  values: RecipeValues,
  { prompts, heldOut, responses }: MeasuredTexts,
): Promise<{ prompt: number; response: number }> =>
  previewWorker().longestTexts(values, { prompts, heldOut, responses });
