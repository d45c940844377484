/** Every recipe in the tree can be read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../src/rl/recipe.ts';

const files = readdirSync('recipes', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .sort();

describe('recipes', () => {
  it.each(files)('%s', (file) => {
    const path = join('recipes', file);
    const { recipe, notices } = parseRecipe(readFileSync(path, 'utf8'), path);
    expect(notices).toEqual([]);
    const arm = /(warm|zero)-(think|nothink)-(grpo|ppo|dpo)\.yaml$/.exec(file);
    if (!arm) return;
    expect(recipe.model_name_or_path).toMatch(arm[1] === 'zero' ? /base$/ : /policy$/);
    expect(recipe.thinking).toBe(arm[2] === 'think');
    expect(recipe.algorithm).toBe(arm[3]);
    // Arms are compared at one budget of completions.
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: parts } = recipe;
    expect(batch * parts * recipe.max_steps).toBe(6400);
  });

  it('has every arm of the paper', () => {
    const arms = ['warm', 'zero'].flatMap((start) =>
      ['think', 'nothink'].flatMap((arm) =>
        ['grpo', 'ppo', 'dpo'].map((algorithm) => `${start}-${arm}-${algorithm}.yaml`),
      ),
    );
    for (const arm of arms) expect(files).toContain(join('paper', arm));
  });
});
