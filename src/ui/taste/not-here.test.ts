import { expect, it } from 'vitest';
import { tasteProblem } from './not-here.ts';

const dinner = { model_name_or_path: 'public/models/policy', world: 'meal-planner' };
const own = { ...dinner, world: null, datasets: [{ path: 'json' }] };
const brought = { ...dinner, model_name_or_path: 'stored:SmolLM2' };
const isDinner = (path: string): boolean => path.startsWith('public/');

it('a taste is learnt only on dinners, and the sentence says what is not about them', () => {
  expect(tasteProblem(undefined, dinner, isDinner)).toBeNull();
  expect(tasteProblem(dinner, dinner, isDinner)).toBeNull();
  // There is no recipe until the recorded run is loaded.
  expect(tasteProblem(undefined, {}, isDinner)).toBeNull();
  expect(tasteProblem(undefined, own, isDinner)).toMatch(/prompts of your own/);
  expect(tasteProblem(undefined, brought, isDinner)).toMatch(/model that you brought/);
  expect(tasteProblem(own, dinner, isDinner)).toMatch(/run kept in this browser/);
  expect(tasteProblem(brought, dinner, isDinner)).toMatch(/run kept in this browser/);
});
