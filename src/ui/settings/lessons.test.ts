import { describe, expect, it } from 'vitest';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { isOnlyHere, LESSONS, lessonLink } from './lessons.ts';
import { readLink, writeLink } from './link.ts';

describe('lessons', () => {
  it.each(LESSONS.map((lesson) => [lesson.title, lesson] as const))(
    '%s: its link gives back what it sets, and the recipe can be trained',
    (_, lesson) => {
      const state = { view: 'watch', overrides: {}, hidden: [], locked: false } as const;
      const given = { ...state, ...lessonLink(lesson) };
      const { unknown, ...read } = readLink(writeLink(given));
      expect(unknown).toEqual([]);
      expect(read).toEqual(given);
      const base = {
        ...{ algorithm: 'grpo', world: 'meal-planner', max_steps: 150 },
        ...{ model_name_or_path: 'public/models/policy', per_device_train_batch_size: 128 },
        reward_model_name_or_path: 'public/models/reward',
      };
      expect(() => makeRecipe(layerRecipes(base, given.overrides))).not.toThrow();
      expect(lesson.ask.length).toBeGreaterThan(1);
    },
  );

  it('are five, and differ', () => {
    const links = LESSONS.map((lesson) => JSON.stringify(lessonLink(lesson)));
    expect(new Set(links).size).toBe(5);
  });
});

it.each([
  ['http://localhost:4173/#/watch', true],
  ['http://page.localhost/', true],
  ['http://127.0.0.1:8080/', true],
  ['http://127.1.2.3/', true],
  ['http://0.0.0.0/', true],
  ['http://[::1]:4173/', true],
  ['file:///home/somebody/index.html', true],
  ['https://example.org/ponder/#/watch', false],
  ['http://192.168.1.20:4173/', false],
  ['https://localhost.example.org/', false],
  ['https://127.example.org/', false],
])('%s works only here: %s', (link, only) => {
  expect(isOnlyHere(link)).toBe(only);
});
