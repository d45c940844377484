/**
 * What the models of the next run will see; the tokenizers are loaded when first asked for. It runs in a
 * worker, because templates and tokenizers are foreign code.
 */
import { Tokenizer } from '../model/tokenizer.ts';
import { makeRecipe, type Recipe } from '../rl/recipe/recipe.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';
import { promptTokens } from '../rl/rollout/rollout.ts';
import { DEFAULT_RECIPE } from './default-recipe.ts';
import { OpenedOnce } from './opened-once.ts';
import { pageModelFolder } from './page-paths.ts';
import { previewRecipe, type Preview } from './preview.ts';

const loaded = new OpenedOnce<Tokenizer>();

/** The texts that are measured. */
export interface MeasuredTexts {
  prompts: readonly string[];
  heldOut: readonly string[];
  responses: readonly string[];
}

/** @throws Error with a sentence: an impossible recipe, a model that is gone, a template that refuses */
export async function previewOnPage(
  values: RecipeValues,
  prompt: string,
  completion: string,
): Promise<Preview> {
  const recipe = recipeOf(values);
  const { reward_model_name_or_path: model, judge_model_name_or_path: judge } = recipe;
  const tokenizers = {
    policy: await tokenizerAt(recipe.model_name_or_path!),
    ...(model !== undefined && { rewardModel: await tokenizerAt(model) }),
    ...(judge !== undefined && { judge: await tokenizerAt(judge) }),
  };
  return previewRecipe(recipe, tokenizers, prompt, completion);
}

/** This many of the texts with the most characters are measured: the longest is among them. */
const MEASURED = 100;

/** Tokens of the longest prompt and of the longest response, with its end token, for the policy. */
export async function longestTexts(
  values: RecipeValues,
  { prompts, heldOut, responses }: MeasuredTexts,
): Promise<{ prompt: number; response: number }> {
  const recipe = recipeOf(values);
  const tokenizer = await tokenizerAt(recipe.model_name_or_path!);
  const most = (texts: readonly string[], tokens: (text: string) => number[]): number => {
    const longest = [...texts].sort((a, b) => b.length - a.length).slice(0, MEASURED);
    return Math.max(0, ...longest.map((text) => tokens(text).length));
  };
  return {
    prompt: most([...prompts, ...heldOut], (prompt) =>
      promptTokens(tokenizer, prompt, recipe.thinking, recipe.system_prompt),
    ),
    response: most(responses, (response) => tokenizer.encode(response)) + 1,
  };
}

/** The recipe that a worker makes of the page's keys. */
function recipeOf(values: RecipeValues): Recipe {
  return makeRecipe({ ...DEFAULT_RECIPE, ...values });
}

function tokenizerAt(path: string): Promise<Tokenizer> {
  return loaded.open(path, async () => {
    return Tokenizer.load(await pageModelFolder(path));
  });
}
