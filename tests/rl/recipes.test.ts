/** Every recipe in the folder recipes can be read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/rl/random.ts';
import { matrixRuns } from '../../src/rl/recipe/matrix.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { Rule } from '../../src/rl/rewards/rule.ts';
import { MAINS, SWEETS } from '../../src/rl/world/menu.ts';
import { drawPrompts, promptText } from '../../src/rl/world/prompts.ts';
import { mediocrePlan, responseText } from '../../src/rl/world/sft-data.ts';
import { isGoodPlan } from '../../src/rl/world/truth.ts';

const files = readdirSync('recipes', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .sort();

describe('recipes', () => {
  it.each(files)('%s', (file) => {
    const path = join('recipes', file);
    const text = readFileSync(path, 'utf8');
    if (file === 'matrix.yaml') {
      expect(matrixRuns(text, path, {})).toHaveLength(6);
      return;
    }
    const { recipe, notices } = parseRecipe(text, path);
    expect(notices).toEqual([]);
    const arm = /(warm|zero)-(think|nothink)-(grpo|ppo|dpo)\.yaml$/.exec(file);
    if (!arm) return;
    expect(recipe.model_name_or_path).toMatch(arm[1] === 'zero' ? /base$/ : /policy$/);
    expect(recipe.thinking).toBe(arm[2] === 'think');
    expect(recipe.algorithm).toBe(arm[3]);
    // All arms have the same number of completions.
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: parts } = recipe;
    expect(batch * parts * recipe.max_steps).toBe(6400);
  });

  it('include every arm of the paper', () => {
    const arms = ['warm', 'zero'].flatMap((start) =>
      ['think', 'nothink'].flatMap((arm) =>
        ['grpo', 'ppo', 'dpo'].map((algorithm) => `${start}-${arm}-${algorithm}.yaml`),
      ),
    );
    for (const arm of arms) expect(files).toContain(join('paper', arm));
  });
});

it('the rule good-dinner agrees with the world', async () => {
  const path = 'recipes/rules/good-dinner.js';
  const rule = await Rule.open(path, readFileSync(path, 'utf8'));
  const random = new Random(1);
  const cases = drawPrompts(random, 'train', 120).flatMap((prompt) => {
    const plan = mediocrePlan(random, prompt);
    const answered = { prompt: promptText(prompt), response: responseText(random, prompt, plan) };
    const courses = plan.some((d) => MAINS.includes(d)) && plan.some((d) => SWEETS.includes(d));
    const cheaper = responseText(random, prompt, plan, [0, 0]);
    return [
      { ...answered, good: courses && isGoodPlan(prompt, plan) },
      // A response with prices that are not on the menu is never good.
      { ...answered, response: cheaper, good: false },
    ];
  });
  const scores = await rule.score(cases);
  rule.destroy();
  expect(scores).toEqual(cases.map(({ good }) => Number(good)));
  expect(cases.filter(({ good }) => good).length).toBeGreaterThan(5);
});
