/**
 * Held-out prompts that the page follows through a run. In a step that is evaluated, the policy writes
 * a group of completions for each of them too, as it does for the prompts that it trains on. Their
 * tokens are measured before and after the update; training never uses them. Every step has the same
 * random numbers, so that only the policy differs.
 */
import { SHOWN } from '../evaluation/evaluate.ts';
import type { Prompt } from '../data/dataset.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { RolloutWriter, ScoredGroup } from './rollout-writer.ts';

export class FollowedPrompts {
  private readonly prompts: readonly Prompt[];

  /**
   * @param evaluated the held-out prompts; undefined if the run is not evaluated
   * @param writer of the policy in training
   */
  constructor(
    private readonly recipe: Recipe,
    evaluated: readonly Prompt[] | undefined,
    private readonly writer: RolloutWriter,
  ) {
    const follows = evaluated && recipe.log_completions;
    this.prompts = follows ? promptsThatFit(recipe, evaluated, writer) : [];
  }

  /** The scored groups of step `step`, counted from 1, as the policy is now; none if it is not evaluated. */
  async write(step: number): Promise<ScoredGroup[]> {
    return this.isDue(step) ? this.writer.writeHeldOut(this.prompts) : [];
  }

  /** The first step has groups too. */
  private isDue(step: number): boolean {
    const { eval_steps, max_steps } = this.recipe;
    if (this.prompts.length === 0) return false;
    return step === 1 || step % eval_steps === 0 || step === max_steps;
  }
}

/**
 * The first prompts of the evaluation, none twice, as many as the page shows and as fit in one sampling
 * batch: so an evaluated step costs little more.
 */
function promptsThatFit(
  recipe: Recipe,
  evaluated: readonly Prompt[],
  writer: RolloutWriter,
): Prompt[] {
  const most = recipe.per_device_train_batch_size / recipe.num_generations;
  const prompts: Prompt[] = [];
  let room = most * recipe.max_prompt_length;
  for (const asked of evaluated.slice(0, Math.min(SHOWN, most))) {
    room -= writer.promptLength(asked);
    if (room < 0) break;
    if (!prompts.some(({ prompt }) => prompt === asked.prompt)) prompts.push(asked);
  }
  return prompts;
}
