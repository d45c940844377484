import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeRecipe, recipeYaml } from '../rl/recipe/recipe.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';
import {
  ChangedRunError,
  differences,
  originOf,
  recipeToGoOn,
  scheduleNotice,
} from '../rl/runs/same-run.ts';
import { changedRun } from './changed-run.ts';

const BASE: RecipeValues = {
  ...{ algorithm: 'grpo', world: 'meal-planner', model_name_or_path: 'models/a' },
  ...{ reward_model_name_or_path: 'models/judge', reward_funcs: ['kind.js'] },
};
const INPUTS = { model_name_or_path: 'a1', reward_model_name_or_path: 'j1', reward_funcs: 'r1' };
const origin = (changes: RecipeValues = {}, inputs: Record<string, string> = {}) =>
  originOf(makeRecipe({ ...BASE, ...changes }), { ...INPUTS, ...inputs });
const keys = (changes: RecipeValues, inputs: Record<string, string> = {}): string[] =>
  differences(origin(), origin(changes, inputs)).map(({ key }) => key);

describe('a run that goes on', () => {
  it.each<[string, RecipeValues]>([
    ['seed', { seed: 5 }],
    ['beta', { beta: 0.1 }],
    ['loss_type', { loss_type: 'grpo' }],
    ['num_generations', { num_generations: 4 }],
    ['learning_rate', { learning_rate: 0.01 }],
    ['temperature', { temperature: 0.7 }],
    ['use_peft', { use_peft: true }],
    ['system_prompt', { system_prompt: 'Be kind.' }],
    ['reward_weights', { reward_weights: [1, 2] }],
  ])('is another run with another %s', (key, changes) => {
    expect(keys(changes)).toEqual([key]);
  });

  it('is another run with another algorithm, whose keys are not listed', () => {
    expect(keys({ algorithm: 'ppo', num_generations: 1 })).toEqual(['algorithm']);
  });

  it.each<RecipeValues>([
    ...[{ max_steps: 7 }, { save_steps: 7 }, { save_total_limit: 1 }, { output_dir: 'x' }],
    ...[
      { log_completions: false },
      { eval_strategy: 'steps' },
      { eval_steps: 3 },
      { gold: 'meal-planner' },
    ],
  ])('is the same with %j', (changes) => {
    expect(keys(changes)).toEqual([]);
  });

  it('is told by what lies under its paths, not by where that is', () => {
    expect(keys({ model_name_or_path: 'elsewhere/a', reward_funcs: ['b/kind.js'] })).toEqual([]);
    expect(keys({}, { reward_funcs: 'r2' })).toEqual(['reward_funcs']);
    expect(keys({ model_name_or_path: 'models/b' }, { model_name_or_path: 'b1' })).toEqual([
      'model_name_or_path',
    ]);
    // An earlier version has no hashes.
    const before = { recipe: parse(recipeYaml(makeRecipe(BASE))) as RecipeValues };
    expect(differences(before, origin())).toEqual([]);
    expect(differences(before, origin({ model_name_or_path: 'b', beta: 1 }))).toMatchObject([
      { key: 'model_name_or_path', was: 'models/a', is: 'b' },
      { key: 'beta', was: 0.001, is: 1 },
    ]);
  });

  it('of the page has the recipe of its checkpoint, with the length and the paths of recipe.yaml', () => {
    const state = { global_step: 3, ...origin() };
    const values = { beta: 9, max_steps: 500, model_name_or_path: 'stored:a' };
    expect(recipeToGoOn(state, values)).toMatchObject({
      ...{ beta: 0.001, seed: 42, max_steps: 500, model_name_or_path: 'stored:a' },
    });
    expect(makeRecipe(recipeToGoOn(state))).toEqual(makeRecipe(BASE));
  });

  it('says that its learning rate follows from its number of steps', () => {
    const linear = makeRecipe({ ...BASE, lr_scheduler_type: 'linear', max_steps: 200 });
    expect(scheduleNotice({ max_steps: 100 }, linear)[0]).toMatch(
      /^max_steps was 100 and is 200: /,
    );
    expect(scheduleNotice({ max_steps: 200 }, linear)).toEqual([]);
    const share = makeRecipe({
      ...{ ...BASE, max_steps: 200, warmup_steps: 0.1 },
      lr_scheduler_type: 'constant_with_warmup',
    });
    expect(scheduleNotice({ max_steps: 100 }, share)).toHaveLength(1);
    expect(scheduleNotice({ max_steps: 100 }, { ...share, warmup_steps: 20 })).toEqual([]);
    expect(scheduleNotice({ max_steps: 100 }, makeRecipe({ ...BASE, max_steps: 200 }))).toEqual([]);
  });
});

interface Before {
  path?: string;
  /** Changes of the recipe that the run was trained with. */
  before?: RecipeValues;
  /** Hashes that are others now. */
  inputs?: Record<string, string>;
}

describe('the refusal of a changed recipe', () => {
  const refusal = (
    changes: RecipeValues,
    { path = 'recipes/my.yaml', before = {}, inputs = {} }: Before = {},
  ): string => {
    const found = differences(origin(before), origin(changes, inputs));
    const recipe = makeRecipe({ ...BASE, ...changes });
    const others = Object.fromEntries(
      Object.entries(changes).map(([key, value]) => [
        key,
        JSON.stringify(value).replaceAll('"', ''),
      ]),
    );
    return changedRun(new ChangedRunError(found, 3), { path, recipe, out: 'runs/x', others })
      .message;
  };
  const NEW = 'npm run -s ponder -- train recipes/my.yaml --out runs/x-from-3';

  it('has the difference, and a command for each way on', () => {
    expect(refusal({ seed: 5 })).toBe(
      'runs/x was trained with seed: 42, not 5. To go on as it was: npm run -s ponder -- train ' +
        'runs/x/recipe.yaml --out runs/x --resume. To begin a new run from its step 3: ' +
        `${NEW} --seed 5 --model_name_or_path runs/x/checkpoints/step-3.`,
    );
  });

  it('with the recipe of the folder itself says what was in it', () => {
    expect(refusal({ beta: 0.5 }, { path: './runs/x/recipe.yaml' })).toContain(
      'To go on as it was, give beta: 0.001 again.',
    );
  });

  it('merges an adapter for a run that trains all weights, or another adapter', () => {
    const merge =
      'npm run -s ponder -- export runs/x/checkpoints/step-3 --to merged --out runs/x-step-3 && ';
    const from = '--model_name_or_path runs/x-step-3.';
    expect(refusal({}, { before: { use_peft: true } })).toContain(`${merge}${NEW} ${from}`);
    expect(refusal({ use_peft: true, lora_r: 4 }, { before: { use_peft: true } })).toContain(
      `${merge}${NEW} --use_peft true --lora_r 4 ${from}`,
    );
    expect(refusal({ use_peft: true })).not.toContain('export');
  });

  it('does not begin with weights that the new run has no use for', () => {
    expect(
      refusal({ model_name_or_path: 'b' }, { inputs: { model_name_or_path: 'b1' } }),
    ).toContain(`To begin a new run: ${NEW} --model_name_or_path b.`);
    expect(refusal({ random_init: true, seed: 5 }, { before: { random_init: true } })).toContain(
      '--random_init false',
    );
  });

  it('of a file that has changed asks for the earlier one', () => {
    expect(refusal({}, { inputs: { reward_funcs: 'r2' } })).toContain(
      'runs/x was trained with other contents of reward_funcs: ["kind.js"]. To go on as it was, put ' +
        'the earlier files of reward_funcs back.',
    );
  });
});
