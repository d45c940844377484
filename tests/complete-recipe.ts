/** What tests of recipes share. */
import { expect } from 'vitest';
import { RecipeError } from '../src/rl/recipe/recipe.ts';

/** A recipe that trains, to which a test adds a line. */
export const complete = `model_name_or_path: policy
reward_model_name_or_path: judge
world: meal-planner
max_steps: 10
`;

/** The one line that a recipe is refused with. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RecipeError);
    const { message } = error as RecipeError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('was accepted');
}
