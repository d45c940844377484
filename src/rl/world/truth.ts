/**
 * Whether a thought is true. Its statements are checked one by one against the prompt: the price after a
 * dish, the verdict on the diet, the rest of the budget after the dishes of the current try, and the
 * verdict on the whole try. A dish that is not on the menu also counts as one false statement.
 */
import { DIETS, isDish, isNumber, isTag, suits, words, type DishName, type Tag } from './menu.ts';
import { parsePrompt, priceOf, type DinnerPrompt } from './prompts.ts';

interface Truth {
  /** Statements that are true. */
  true: number;
  /** Statements made. */
  total: number;
}

/** The rest of the budget in the words of a thought: `left 3`, or `over 2`. */
export function leftText(left: number): string {
  return left >= 0 ? `left ${left}` : `over ${-left}`;
}

/** `ok`, or the ingredient of the dish that the guest does not eat. */
export function dietVerdict(prompt: DinnerPrompt, dish: DishName): 'ok' | Tag {
  return suits(dish, prompt.diet) ? 'ok' : DIETS[prompt.diet];
}

/** A good plan is two dishes that the guest can eat, with at most this much of the budget left. */
const GOOD_LEFT = 2;

/** Whether a true thought calls the plan `good`; otherwise it calls it `poor`. */
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
    throw new Error('This prompt is not from the dinner world, so thoughts cannot be checked.');
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
      if (dish) state(word === dietVerdict(parsed, dish));
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
