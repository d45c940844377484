/** The prompts on which a policy is judged: those of its run that training never used. */
import type { Prompt } from '../rl/data/dataset.ts';
import { Random } from '../rl/random.ts';
import { RecipeError, type Recipe } from '../rl/recipe/recipe.ts';
import { worldEvaluation } from '../rl/world/judging.ts';
import { evaluationPrompts } from './opening/data.ts';
import type { ReadFile } from './opening/surroundings.ts';

/**
 * Up to `count` different prompts; the seed chooses them.
 * @throws RecipeError if the run holds none out
 */
export async function heldOutPrompts(
  recipe: Recipe,
  count: number,
  seed: number,
  readFile: ReadFile,
): Promise<Prompt[]> {
  if (recipe.world) {
    return worldEvaluation('held-out', count, seed).prompts.map((prompt) => ({ prompt }));
  }
  if (!recipe.datasets.some(({ split }) => split === 'test')) {
    throw new RecipeError(
      'This run has no held-out prompts: bring ten or more, and one in ten is held out.',
    );
  }
  const evaluated = { ...recipe, eval_strategy: 'steps' as const, eval_num_prompts: Infinity };
  const prompts = (await evaluationPrompts(evaluated, readFile)) ?? [];
  // A file of pairs may have several rows with one prompt.
  const different = new Map(prompts.map((asked) => [asked.prompt, asked]));
  return new Random(seed, 'held-out prompts').shuffle([...different.values()]).slice(0, count);
}
