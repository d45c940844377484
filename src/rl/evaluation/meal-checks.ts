/**
 * The requests of a dinner prompt as verifiable instructions: the menu, the diet, the budget, the two
 * courses and the prices. Each has its own rule, while the gold utility weighs them together.
 */
import { DISHES, isDish, isNumber, suits, words, type DishName } from '../world/menu.ts';
import { parsePrompt, priceOf, type DinnerPrompt } from '../world/prompts.ts';
import type { Check, Instruction } from './ifeval-checks.ts';

type Rule = (prompt: DinnerPrompt, dishes: readonly DishName[], said: readonly string[]) => boolean;

const rules: Readonly<Record<string, Rule>> = {
  'meal:menu': (prompt, dishes) =>
    dishes.length > 0 && dishes.every((dish) => priceOf(prompt, dish) !== null),
  'meal:diet': (prompt, dishes) =>
    dishes.length > 0 && dishes.every((dish) => suits(dish, prompt.diet)),
  'meal:budget': (prompt, dishes) => {
    const prices = dishes.map((dish) => priceOf(prompt, dish) ?? Infinity);
    return dishes.length > 0 && prices.reduce((a, b) => a + b, 0) <= prompt.budget;
  },
  'meal:courses': (_, dishes) =>
    dishes.length === 2 &&
    DISHES[dishes[0]!].course === 'main' &&
    DISHES[dishes[1]!].course === 'sweet',
  'meal:prices': (prompt, dishes, said) =>
    dishes.length > 0 &&
    said.every((word, i) => {
      const next = said[i + 1];
      return !isDish(word) || !isNumber(next) || priceOf(prompt, word) === Number(next);
    }),
};

/** Each check needs the kwargs {prompt}. */
export const mealChecks: Readonly<Record<string, Check>> = Object.fromEntries(
  Object.entries(rules).map(([id, rule]) => [
    id,
    (response, { prompt }) => {
      const parsed = typeof prompt === 'string' ? parsePrompt(prompt) : null;
      if (!parsed) return undefined;
      const said = words(response);
      return rule(parsed, said.filter(isDish), said);
    },
  ]),
);

/** The instructions of a prompt of the world. */
export function mealInstructions(prompt: string): Instruction[] {
  return Object.keys(rules).map((id) => ({ id, kwargs: { prompt } }));
}
