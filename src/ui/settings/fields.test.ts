import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { layerRecipes, recipeKeys } from '../../rl/recipe/keys.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { algorithms, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { attempt } from './check.ts';
import {
  findFields,
  formOf,
  keysNamedIn,
  labelOf,
  rangeText,
  textOf,
  valueOfText,
} from './fields.ts';

describe('the form', () => {
  it.each(algorithms)('of %s has each of its keys once, each with its own label', (algorithm) => {
    const { first, groups } = formOf(algorithm);
    const keys = [...first, ...groups.flatMap(({ fields }) => fields)].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(keys.map(labelOf)).size).toBe(keys.length);
    expect(keys[0]).toBe('algorithm');
    expect(keys).toContain('learning_rate');
    expect(keys).not.toContain('output_dir');
    for (const { spec } of first) expect(spec.help.length).toBeGreaterThan(20);
  });

  it('leaves out keys without a meaning', () => {
    const keys = formOf('sft').first.map(({ key }) => key);
    expect(keys).not.toContain('num_generations');
  });
});

describe('the search', () => {
  const found = (text: string) => findFields(formOf('grpo'), text).map(({ key }) => key);
  it('finds a key by its name, its label and its help', () => {
    expect(found('learning_rate')).toContain('learning_rate');
    expect(found('KL pen')).toEqual(['beta']);
    expect(found('lora rank')).toContain('lora_r');
    expect(found('no such setting')).toEqual([]);
  });
});

const shipped = parse(readFileSync('recipes/default.yaml', 'utf8')) as RecipeValues;

describe('values that do not go together', () => {
  const blamed = (change: RecipeValues): string[] => {
    const recipe = layerRecipes(shipped, change);
    const { algorithm = 'grpo' } = recipe as { algorithm?: Algorithm };
    return keysNamedIn(attempt(() => makeRecipe(recipe)) ?? 'none', formOf(algorithm));
  };
  it.each<[RecipeValues, string[]]>([
    [{ num_generations: 3 }, ['per_device_train_batch_size', 'num_generations']],
    [{ num_generations: 1 }, ['num_generations']],
    [{ load_in_4bit: true }, ['use_peft', 'load_in_8bit', 'load_in_4bit']],
    [{ reward_weights: [1, 2] }, ['reward_weights']],
    [{ loss_type: 'cispo' }, ['loss_type', 'epsilon_high']],
    [{ world: null }, ['datasets', 'world']],
    [{ algorithm: 'dpo', beta: 0, online: true }, ['beta']],
    [{ algorithm: 'ppo', num_mini_batches: 7 }, ['num_mini_batches']],
    [
      { reward_model_name_or_path: null, reward_funcs: ['a/same.js', 'b/same.js'] },
      ['reward_funcs'],
    ],
  ])('%o are refused at the fields that the sentence names', (change, keys) => {
    expect(blamed(change)).toEqual(keys);
  });
});

describe('a field', () => {
  it('shows values as people write them', () => {
    expect([undefined, null, 3e-4, true, ['a', 'b']].map(textOf)).toEqual([
      '',
      '',
      '0.0003',
      'true',
      'a, b',
    ]);
  });
  it('reads what was typed', () => {
    const spec = (key: string): RecipeKeySpec =>
      (recipeKeys as Record<string, RecipeKeySpec>)[key]!;
    expect(valueOfText(spec('seed'), ' 7 ')).toBe('7');
    expect(valueOfText(spec('epsilon_high'), '')).toBeNull();
    expect(valueOfText(spec('lora_target_modules'), 'q_proj, v_proj')).toEqual([
      'q_proj',
      'v_proj',
    ]);
    expect(valueOfText(spec('lora_target_modules'), 'all-linear')).toBe('all-linear');
    expect(valueOfText(spec('reward_funcs'), 'a.js, b.js')).toEqual(['a.js', 'b.js']);
    expect(valueOfText(spec('reward_weights'), '1, 0.5, x')).toEqual([1, 0.5, 'x']);
    expect(valueOfText(spec('datasets'), '[{"path":"json"}]')).toEqual([{ path: 'json' }]);
    expect(valueOfText(spec('datasets'), 'a.jsonl')).toBe('a.jsonl');
  });
  it('has a plain label and its range in words', () => {
    expect(labelOf('learning_rate')).toBe('Learning rate');
    expect(labelOf('beta')).toBe('KL penalty');
    expect(rangeText(recipeKeys.max_steps)).toBe('A whole number from 1 to 1000000000.');
    expect(rangeText(recipeKeys.thinking)).toBe('');
  });
});
