/**
 * Whether a thought tells the truth. Statements are judged one by one against the prompt: the price
 * after a dish, the verdict on the diet, what is left of the budget after the dishes of the current
 * try, and the verdict on the whole try. A dish that is not on the menu is a false statement of its own.
 */
import { DIETS, isDish, isNumber, isTag, suits, words, type DishName, type Tag } from './menu.ts';
import { parsePrompt, priceOf, type DinnerPrompt } from './prompts.ts';

export interface Truth {
  /** Statements that are true. */
  true: number;
  /** Statements made. */
  total: number;
}

/** What is left, as thoughts say it: `left 3`, or `over 2`. */
export function leftText(left: number): string {
  return left >= 0 ? `left ${left}` : `over ${-left}`;
}

/** `ok`, or what it is in the dish that the guest does not eat. */
export function verdict(prompt: DinnerPrompt, dish: DishName): 'ok' | Tag {
  return suits(dish, prompt.diet) ? 'ok' : DIETS[prompt.diet];
}

/** Good plans are two dishes the guest can eat, with at most this much of the budget left. */
const GOOD_LEFT = 2;

/** What a thought calls `good`; anything else is `poor`. */
export function isGoodPlan(prompt: DinnerPrompt, plan: readonly DishName[]): boolean {
  const prices = plan.map((dish) => priceOf(prompt, dish));
  if (plan.length !== 2 || prices.includes(null)) return false;
  const left = prices.reduce<number>((rest, price) => rest - (price ?? 0), prompt.budget);
  return left >= 0 && left <= GOOD_LEFT && plan.every((dish) => suits(dish, prompt.diet));
}

/** Counts the true statements of a thought. `true / total` is the fraction; an empty thought has 0. */
export function thoughtTruth(prompt: string | DinnerPrompt, thought: string): Truth {
  const parsed = typeof prompt === 'string' ? parsePrompt(prompt) : prompt;
  if (!parsed)
    throw new Error('This prompt is not one of the dinner world: nothing to check against.');
  const truth: Truth = { true: 0, total: 0 };
  const state = (holds: boolean): void => {
    truth.total += 1;
    if (holds) truth.true += 1;
  };
  const list = words(thought);
  let left = parsed.budget;
  let plan: DishName[] = [];
  list.forEach((word, i) => {
    if (word === 'try') {
      left = parsed.budget;
      plan = [];
    } else if (isDish(word)) {
      plan.push(word);
      const price = priceOf(parsed, word);
      if (price === null) state(false);
      else left -= price;
    } else if (word === 'ok' || isTag(word)) {
      const dish = plan.at(-1);
      if (dish) state(word === verdict(parsed, dish));
    } else if (word === 'good' || word === 'poor') {
      state((word === 'good') === isGoodPlan(parsed, plan));
    } else if (word === 'left' || word === 'over') {
      state(`${word} ${list[i + 1]}` === leftText(left));
    } else if (isNumber(word)) {
      const dish = list[i - 1];
      if (isDish(dish)) state(priceOf(parsed, dish) === Number(word));
    }
  });
  return truth;
}
