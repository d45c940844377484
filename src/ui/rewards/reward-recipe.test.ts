import { expect, it } from 'vitest';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { hasRewards, makeRecipe } from '../../rl/recipe/recipe.ts';
import { TRUE_TASTE } from '../charts/gold.ts';
import {
  rewardProblem,
  rewardRecipe,
  rewardsInUse,
  SECOND_REWARD,
  withRoom,
  type RewardSelection,
  type SelectedPrompts,
} from './reward-recipe.ts';

const untouched: RewardSelection = {
  model: { name: null, weight: 1 },
  judge: { name: null, weight: 1, question: '' },
  rules: [],
  prompts: undefined,
  systemPrompt: ' ',
  gold: undefined,
};
const MINE: SelectedPrompts = {
  ...{ file: 'mine.jsonl', kind: 'prompts', heldOut: false },
};
/** Keys of the page's recipe. */
const page = {
  model_name_or_path: 'public/models/policy',
  reward_model_name_or_path: 'public/models/reward',
  world: 'meal-planner',
  gold: 'meal-planner',
};

it('leaves the recipe alone if nothing was chosen', () => {
  expect(rewardRecipe(untouched, page)).toEqual({});
  expect(rewardProblem(rewardsInUse(untouched))).toBeNull();
});

it('weights follow the order of reward model, judge and rules', () => {
  const rules = [
    { name: 'short', weight: 0.5 },
    { name: 'kind', weight: 1 },
  ];
  const judge = { name: 'SmolLM2', weight: 3, question: 'Good? {response}' };
  const all = { ...untouched, model: { name: 'mine', weight: 2 }, judge, rules };
  const recipe = makeRecipe({ ...page, ...rewardRecipe(all, page) });
  expect(recipe).toMatchObject({
    reward_model_name_or_path: 'stored:mine',
    judge_model_name_or_path: 'stored:SmolLM2',
    judge_prompt: 'Good? {response}',
    reward_funcs: ['stored:short.js', 'stored:kind.js'],
    reward_weights: [2, 3, 0.5, 1],
    world: 'meal-planner',
  });
  // A question without a judge has no effect, and weights of 1 are left out.
  const alone = { ...untouched, model: { name: false, weight: 9 } as const, rules: [rules[1]!] };
  const kind = rewardRecipe({ ...alone, judge: { ...judge, name: null } }, page);
  expect(kind).toEqual({ reward_model_name_or_path: null, reward_funcs: ['stored:kind.js'] });
  expect(makeRecipe({ ...page, ...kind }).reward_model_name_or_path).toBeUndefined();
});

it('prompts take the place of the world, whose hidden utility cannot judge them', () => {
  const selection = { ...untouched, prompts: MINE, systemPrompt: ' Be brief. ' };
  const values = withRoom(rewardRecipe(selection, page), 'prompts', { prompt: 93, response: 1 });
  const recipe = makeRecipe({ ...page, ...values });
  expect(recipe).toMatchObject({
    world: undefined,
    gold: undefined,
    max_prompt_length: 93,
    system_prompt: 'Be brief.',
    datasets: [{ path: 'json', data_files: ['stored:mine.jsonl'], split: 'train' }],
  });
});

it('gold can be a judge on one’s own prompts, and the form’s choice is kept', () => {
  const own = { ...untouched, prompts: MINE };
  const gold = (selection: RewardSelection, set: RecipeValues): string | undefined =>
    makeRecipe({ ...set, ...rewardRecipe(selection, set) }).gold;
  expect(gold({ ...own, gold: 'stored:watcher' }, page)).toBe('stored:watcher');
  expect(gold(own, { ...page, gold: SECOND_REWARD })).toBe(SECOND_REWARD);
  expect(gold({ ...own, gold: TRUE_TASTE }, page)).toBeUndefined();
  expect(gold({ ...untouched, gold: null }, page)).toBeUndefined();
});

it('evaluations use held-out prompts as the recipe says, and are off without any', () => {
  const set = { ...page, eval_strategy: 'steps', eval_steps: 5, eval_num_prompts: 3 };
  const recipe = (heldOut: boolean) => {
    const own = rewardRecipe({ ...untouched, prompts: { ...MINE, heldOut } }, set);
    return makeRecipe(layerRecipes(set, own));
  };
  expect(recipe(true)).toMatchObject({
    ...{ eval_strategy: 'steps', eval_steps: 5, eval_num_prompts: 3 },
    datasets: [
      { data_files: ['stored:mine.jsonl'], split: 'train' },
      { data_files: ['stored:mine.test.jsonl'], split: 'test' },
    ],
  });
  expect(recipe(false)).toMatchObject({ eval_strategy: 'no' });
});

it('DPO learns from the pairs of a file, and nothing else judges', () => {
  const longest = { prompt: 9, response: 200 };
  const pairs: SelectedPrompts = { ...MINE, kind: 'preferences', heldOut: true };
  const rules = [{ name: 'short', weight: 2 }];
  const selection = { ...untouched, rules, prompts: pairs, gold: 'stored:watcher' };
  const set = {
    ...page,
    algorithm: 'dpo',
    online: true,
    reward_funcs: ['a.js'],
    eval_strategy: 'steps',
  };
  const values = layerRecipes(set, rewardRecipe(selection, set));
  const recipe = makeRecipe(withRoom(values, 'preferences', longest));
  expect(hasRewards(recipe)).toBe(false);
  expect(recipe).toMatchObject({
    ...{ online: false, world: undefined, gold: undefined, eval_strategy: 'steps' },
    ...{ max_prompt_length: 9, max_completion_length: 200 },
  });
  // Any other algorithm uses only the prompts.
  const forGrpo = { ...page, ...rewardRecipe(selection, page) };
  const grpo = makeRecipe(withRoom(forGrpo, 'preferences', longest));
  expect(grpo).toMatchObject({
    max_prompt_length: 9,
    reward_weights: [1, 2],
    gold: 'stored:watcher',
  });
  expect(grpo.max_completion_length).not.toBe(200);
});

it('says what is impossible', () => {
  expect(rewardProblem([])).toMatch(/at least one reward/);
  expect(rewardProblem([{ name: 'a' }, { name: 'b' }, { name: 'a' }])).toMatch(/called a; rename/);
});
