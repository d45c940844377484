import { describe, expect, it } from 'vitest';
import { recipeKeys } from '../rl/recipe/keys.ts';
import type { RecipeKeySpec } from '../rl/recipe/spec.ts';
import { train } from './train.ts';

describe('the help of train', () => {
  const rowOf = (key: string): string =>
    train.help.split('\n').find((line) => line.startsWith(`  --${key} `)) ?? '';

  it('shows the default of a key, and of the algorithms that have another', () => {
    expect(rowOf('learning_rate')).toMatch(
      / \[0\.000001; sft 0\.000004; reward 0\.0001; dpo 3e-7\]$/,
    );
    expect(rowOf('seed')).toMatch(/ \[42\]$/);
    expect(rowOf('output_dir')).not.toContain('[');
  });

  it('leaves out no default', () => {
    for (const [key, spec] of Object.entries<RecipeKeySpec>(recipeKeys)) {
      for (const [algorithm, value] of Object.entries(spec.defaults ?? {})) {
        expect(rowOf(key)).toContain(`; ${algorithm} ${JSON.stringify(value)}`);
      }
    }
  });
});
