/**
 * Text for a base model: it has the skills of the task and not the habit. A thought holds the menu once more, and
 * true notes about dishes: prices, what is left of the budget, what the guest does not eat, and a true verdict on
 * every try. But its dishes are random, it goes on or ends whatever the verdict was, and sometimes `</think>` is
 * missing. An answer names two dishes and heeds neither diet nor budget; the name in its greeting is random. Only
 * some answers take up a try of the thought, a good one no more often than a poor one. So a base model can copy,
 * subtract and judge, and mostly follows the format; it has never seen that an answer is better for its thought.
 */
import type { Random } from '../random.ts';
import { GUESTS, MAINS, SWEETS, THINK_END, type DishName } from './menu.ts';
import { drawPrompt, promptText, type DinnerPrompt } from './prompts.ts';
import { responseText, tryText, type Demonstration, type Plan } from './sft-data.ts';

/** Share of thoughts that have no end. */
const NO_END = 0.1;
const MAX_TRIES = 4;
/** Share of thoughts that begin with the menu; they are shorter otherwise. */
const RECITED = 0.4;
const MAX_TRIES_AFTER_MENU = 2;
/** A thought that has so many dishes ends, so that a completion holds it. */
const ENOUGH_DISHES = 8;
/** Share of tries that say an earlier one again. */
const REPEATED = 0.3;
/** Share of tries of two dishes; the others have one or three. */
const PAIRS = 0.8;
/** Share of pairs, in a try or an answer, that are a main and then a sweet. */
const IN_ORDER = 0.6;
/** Share of answers that take up a pair of the thought. */
const TAKEN_UP = 0.25;

/** A text for a prompt of the training split, as prompt and completion. */
export function baseText(random: Random, thinking: boolean, prompt?: DinnerPrompt): Demonstration {
  const asked = prompt ?? drawPrompt(random);
  const recites = thinking && random.uniform() < RECITED;
  const most = recites ? MAX_TRIES_AFTER_MENU : MAX_TRIES;
  const count = thinking ? 1 + random.below(most) : 0;
  const tries: (readonly DishName[])[] = [];
  while (tries.length < count && tries.flat().length < ENOUGH_DISHES) {
    const again = tries.length > 0 && random.uniform() < REPEATED;
    tries.push(again ? random.pick(tries) : dishes(random, asked));
  }
  const thought = [
    ...(recites ? [menuText(asked)] : []),
    ...tries.map((tried) => tryText(asked, tried)),
  ];
  if (thinking && random.uniform() >= NO_END) thought.push(THINK_END);
  const completion = [...thought, answer(random, asked, tries)].join(' ');
  return { prompt: promptText(asked), completion, thinking };
}

/** The menu as in the prompt. */
function menuText({ menu }: DinnerPrompt): string {
  return ['menu', ...menu.map(({ dish, price }) => `${dish} ${price}`)].join(' ');
}

function dishes(random: Random, prompt: DinnerPrompt): readonly DishName[] {
  if (random.uniform() < PAIRS) return pair(random, prompt);
  const count = random.pick([1, 3]);
  return Array.from({ length: count }, () => random.pick(prompt.menu).dish);
}

function pair(random: Random, prompt: DinnerPrompt): Plan {
  const all = prompt.menu.map((item) => item.dish);
  const of = (course: DishName[]): DishName => random.pick(all.filter((d) => course.includes(d)));
  return random.uniform() < IN_ORDER
    ? [of(MAINS), of(SWEETS)]
    : [random.pick(all), random.pick(all)];
}

function answer(
  random: Random,
  prompt: DinnerPrompt,
  tries: readonly (readonly DishName[])[],
): string {
  const pairs = tries.filter((tried): tried is Plan => tried.length === 2);
  const taken = pairs.length > 0 && random.uniform() < TAKEN_UP;
  const plan = taken ? random.pick(pairs) : pair(random, prompt);
  return responseText(random, { ...prompt, guest: random.pick(GUESTS) }, plan);
}
