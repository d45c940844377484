import { describe, expect, it } from 'vitest';
import { recipeKeys } from '../../rl/recipe/keys.ts';
import { algorithms, type RecipeKeySpec } from '../../rl/recipe/spec.ts';
import { formOf, labelOf, rangeText, textOf, valueOfText } from './fields.ts';

describe('the form', () => {
  it.each(algorithms)('of %s has each of its keys once, with help', (algorithm) => {
    const { first, groups } = formOf(algorithm);
    const keys = [...first, ...groups.flatMap(({ fields }) => fields)].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
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
