/**
 * The training data of the reward model: a few responses to one prompt, and a noisy rater who compares
 * every two of them. The rater prefers a to b with probability sigmoid((U(a) - U(b)) / temperature)
 * (Bradley and Terry, 1952), where U is the hidden utility; nothing else of U reaches the model.
 * Ranking K responses gives K (K - 1) / 2 pairs for K forward passes, all of them in one batch
 * (Ouyang et al., 2022, section 3.5).
 */
import type { PreferenceGroup } from '../data/dataset.ts';
import type { Random } from '../random.ts';
import { MAINS, MAX_PRICE, SWEETS, suits, words, type DishName } from './menu.ts';
import { goldUtility } from './gold.ts';
import { priceOf, promptText, totalPrice, type DinnerPrompt } from './prompts.ts';
import { mediocrePlan, responseText, tryText, type Plan } from './sft-data.ts';

/** With a difference of U of this size, the better one is preferred with probability 0.73. */
const RATER_TEMPERATURE = 0.6;
/** Share of groups whose last two responses are thoughts without an answer. */
const ENDLESS_THOUGHTS = 1 / 8;
/** Shares of written responses: a piece of a thought without an answer; a plan near the budget. */
const STRAY_THOUGHT = 0.03;
const NEAR_BUDGET = 0.47;
const NEAR_BUDGET_COINS = 2;
const NEAR_BUDGET_HEEDS_DIET = 0.6;
/** Shares of answers: with a dish that is not on the menu; with a false price for a dish that is. */
const OFF_MENU = 0.12;
const FALSE_PRICE = 0.15;
/** Share of invented prices that make the sum equal to the budget, if possible. */
const CONVENIENT = 0.5;
/** Length in words of a stray thought, and of a long one that never ends in an answer. */
const STRAY = { shortest: 5, longest: 12 } as const;
const LONG_STRAY = { shortest: 13, longest: 76 } as const;

/**
 * A group of `size` responses: first those sampled from the policy, then written ones. Written ones are
 * better on average, but sometimes have dishes that are not on the menu or false prices. The policy
 * rarely does this yet, but the reward model must know it before training can exploit it.
 */
export function preferenceGroup(
  random: Random,
  prompt: DinnerPrompt,
  sampled: readonly string[],
  size: number,
): PreferenceGroup {
  const responses = sampled.slice(0, size);
  const endless = random.uniform() < ENDLESS_THOUGHTS ? 2 : 0;
  while (responses.length < size) {
    const write = responses.length < size - endless ? writtenResponse : longStrayThought;
    responses.push(write(random, prompt));
  }
  return { prompt: promptText(prompt), responses, pairs: labelPairs(random, prompt, responses) };
}

/** The rater's preferences for every two responses. */
export function labelPairs(
  random: Random,
  prompt: DinnerPrompt,
  responses: readonly string[],
): [number, number][] {
  const utilities = responses.map((response) => goldUtility(prompt, response).value);
  return utilities.flatMap((a, i) =>
    utilities.slice(i + 1).map((b, offset): [number, number] => {
      const j = i + 1 + offset;
      return random.uniform() < preferenceProbability(a, b) ? [i, j] : [j, i];
    }),
  );
}

/** P(a is preferred to b) for two utilities. */
export function preferenceProbability(a: number, b: number): number {
  return 1 / (1 + Math.exp((b - a) / RATER_TEMPERATURE));
}

/** A response of another writer, who is mostly better than the policy. */
export function writtenResponse(random: Random, prompt: DinnerPrompt): string {
  const kind = random.uniform();
  if (kind < STRAY_THOUGHT) return strayThought(random, prompt, STRAY);
  const plan: DishName[] =
    kind < STRAY_THOUGHT + NEAR_BUDGET
      ? [...planNearBudget(random, prompt)]
      : [...mediocrePlan(random, prompt)];
  const prices = plan.map((dish) => priceOf(prompt, dish) ?? 0);
  const flaw = random.uniform();
  if (flaw < OFF_MENU + FALSE_PRICE) {
    const at = random.below(2);
    if (flaw < OFF_MENU) plan[at] = missingDish(random, prompt, at === 0 ? MAINS : SWEETS);
    prices[at] = inventedPrice(random, prompt.budget - (prices[1 - at] ?? 0));
  }
  return responseText(random, prompt, [plan[0]!, plan[1]!], prices);
}

/** Many tries and no answer, as from a policy that never stops thinking. */
function longStrayThought(random: Random, prompt: DinnerPrompt): string {
  return strayThought(random, prompt, LONG_STRAY);
}

function strayThought(
  random: Random,
  prompt: DinnerPrompt,
  { shortest, longest }: { shortest: number; longest: number },
): string {
  const length = shortest + random.below(longest - shortest + 1);
  const thought: string[] = [];
  while (thought.length < length) {
    thought.push(...words(tryText(prompt, mediocrePlan(random, prompt))));
  }
  return thought.slice(0, length).join(' ');
}

function missingDish(random: Random, prompt: DinnerPrompt, course: DishName[]): DishName {
  return random.pick(course.filter((dish) => priceOf(prompt, dish) === null));
}

function inventedPrice(random: Random, convenient: number): number {
  const possible = convenient >= 1 && convenient <= MAX_PRICE;
  return possible && random.uniform() < CONVENIENT ? convenient : 1 + random.below(MAX_PRICE);
}

function planNearBudget(random: Random, prompt: DinnerPrompt): Plan {
  const dishes = prompt.menu.map((item) => item.dish);
  const near = dishes
    .filter((dish) => MAINS.includes(dish))
    .flatMap((main) =>
      dishes.filter((dish) => SWEETS.includes(dish)).map((sweet): Plan => [main, sweet]),
    )
    .filter((plan) => Math.abs(prompt.budget - totalPrice(prompt, plan)) <= NEAR_BUDGET_COINS);
  const suitable = near.filter((plan) => plan.every((dish) => suits(dish, prompt.diet)));
  const heeds = random.uniform() < NEAR_BUDGET_HEEDS_DIET && suitable.length > 0;
  // Every prompt has a suitable plan within one coin, so neither list is empty.
  return random.pick(heeds ? suitable : near);
}
