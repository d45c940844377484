import { expect, it } from 'vitest';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { refuseFinished, type HandoverSource } from './source.ts';

it('a run without steps that are left says how many it has', () => {
  const values = { algorithm: 'sft', world: 'meal-planner', model_name_or_path: 'm', max_steps: 3 };
  const at = (step: number) => ({ recipe: makeRecipe(values), step }) as HandoverSource;
  expect(() => refuseFinished(at(2))).not.toThrow();
  expect(() => refuseFinished(at(3))).toThrow('the run is finished after 3 steps, so no step is');
  // Its recipe may have been made shorter by an earlier version.
  expect(() => refuseFinished(at(5))).toThrow('the run is finished after 5 steps, so no step is');
});
