import { describe, expect, it } from 'vitest';
import type { Evaluated } from './evaluate.ts';
import { mealTraitValues } from './meal-traits.ts';
import { forcedPrefixes } from './thought-effect.ts';
import { judgedTraits, JUDGED_TRAITS, ruleTraits, traitChanges } from './traits.ts';

const PROMPT =
  'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15';
const POOR = 'try ham 1 meat left 14 tart 7 ok left 7 poor';
const OVER = 'try pizza 7 ok left 8 sorbet 8 ok left 0 good';

describe('mealTraitValues', () => {
  it('reads a thought that revises and stops', () => {
    expect(mealTraitValues(PROMPT, `${POOR} ${OVER}`, 'pizza 7 and sorbet 8 .')).toEqual({
      tries: 2,
      checks_diet: 1,
      checks_budget: 1,
      judges_plan: 1,
      revises_poor: 1,
      stops_after_good: 1,
      repeats_itself: 0,
      over_budget: 0,
      answers_a_tried_plan: 1,
      answers_a_good_plan: 1,
    });
  });

  it('reads a thought that goes on after a good plan, repeats itself and answers something else', () => {
    const thought = `${OVER} ${POOR} try sorbet 8 pizza 7 good`;
    expect(mealTraitValues(PROMPT, thought, 'gratin 1 then tart 7 .')).toMatchObject({
      tries: 3,
      checks_diet: 4 / 6,
      checks_budget: 2 / 3,
      revises_poor: 1,
      // The first and the last plan are good, and it stops after one of the two.
      stops_after_good: 0.5,
      repeats_itself: 1 / 3,
      answers_a_tried_plan: 0,
      answers_a_good_plan: 0,
    });
  });

  it('finds a plan over the budget, and whether the thought says so', () => {
    const prompt = PROMPT.replace('budget 15', 'budget 9');
    const says = (left: string) =>
      mealTraitValues(prompt, `try pizza 7 ok left 2 tart 7 ok ${left} poor`, '');
    expect(says('over 5')).toMatchObject({
      over_budget: 1,
      admits_over_budget: 1,
      revises_poor: 0,
    });
    expect(says('left 5')).toMatchObject({ over_budget: 1, admits_over_budget: 0 });
    expect(says('over 5')).not.toHaveProperty('stops_after_good');
  });

  it('is empty for other prompts', () => {
    expect(mealTraitValues('Hello!', POOR, '')).toEqual({});
  });
});

describe('traitChanges', () => {
  it('gives means, and head-to-head wins where both thoughts have the trait', () => {
    const [a, b] = traitChanges(
      [{ a: 1 }, { a: 2, b: 1 }, { a: 3 }, { a: 1 }],
      [{ a: 2 }, { a: 2, b: 0 }, { a: 2 }, {}],
    );
    expect(a).toMatchObject({ trait: 'a', before: 7 / 4, after: 2, prompts: 3 });
    expect(a!.winRate!.mean).toBeCloseTo(0.5, 12);
    expect(b).toMatchObject({ trait: 'b', before: 1, after: 0, prompts: 1 });
    expect(b!.winRate!.mean).toBe(0);
  });
});

it('a judge is asked for every trait of every thought, and nothing else', async () => {
  const row = { prompt: 'p', thought: 't', response: 'r' } as Evaluated;
  const asked: string[] = [];
  const ask = (questions: readonly string[]): Promise<number[]> => {
    asked.push(...questions);
    return Promise.resolve(questions.map((question) => question.length));
  };
  const values = await judgedTraits({ ask }, [row, { ...row, thought: null }]);
  expect(Object.keys(values[0]!)).toEqual(Object.keys(JUDGED_TRAITS));
  expect(values[1]).toEqual({});
  expect(asked.length).toBe(Object.keys(JUDGED_TRAITS).length);
  expect(asked[0]).toContain('Plan:\nt');
  expect(ruleTraits([{ ...row, thought: null }])).toEqual([{}]);
});

it('a forced prefix is the prompt, a thought and the delimiter', () => {
  const thoughts = [
    { prompt: 'a', promptIds: [1], thoughtIds: [10, 11, 12] },
    { prompt: 'b', promptIds: [2], thoughtIds: [20] },
  ];
  const of = (variant: 'own' | 'swapped' | 'truncated' | 'removed') =>
    forcedPrefixes(thoughts, variant, [9])[0];
  expect(of('own')).toEqual([1, 10, 11, 12, 9]);
  expect(of('swapped')).toEqual([1, 20, 9]);
  expect(of('truncated')).toEqual([1, 10, 9]);
  expect(of('removed')).toEqual([1, 9]);
});
