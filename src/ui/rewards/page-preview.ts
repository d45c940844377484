/** What the models of the next run will see; the tokenizers are loaded when first asked for. */
import { DEFAULT_RECIPE } from '../../app/default-recipe.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { OpenedOnce } from '../../app/opened-once.ts';
import { pageModelFolder } from '../../app/page-paths.ts';
import type { Preview } from '../../app/preview.ts';
import { makeRecipe, type Recipe } from '../../rl/recipe/recipe.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { StoredPrompts } from './stored-prompts.ts';

const loaded = new OpenedOnce<Tokenizer>();

/** @throws Error with a sentence: an impossible recipe, a model that is gone, a template that refuses */
export async function previewOnPage(
  values: RecipeValues,
  prompt: string,
  completion: string,
): Promise<Preview> {
  const recipe = recipeOf(values);
  const { previewRecipe } = await import('../../app/preview.ts');
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
  { prompts, heldOut, responses }: StoredPrompts,
): Promise<{ prompt: number; response: number }> {
  const recipe = recipeOf(values);
  const tokenizer = await tokenizerAt(recipe.model_name_or_path!);
  const { promptTokens } = await import('../../rl/rollout/rollout.ts');
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
    const { Tokenizer } = await import('../../model/tokenizer.ts');
    return Tokenizer.load(await pageModelFolder(path));
  });
}
