/**
 * Demonstrations for the warm start, mediocre on purpose. Thoughts are true but not well used: they
 * often go on after a good try or end after a bad one, and the answer always copies the last try.
 * Answers without a thought choose dishes in the same way. So reinforcement learning can still improve
 * when to stop and what to try.
 */
import type { Random } from '../random.ts';
import { GUESTS, MAINS, SWEETS, THINK_END, suits, type Course, type DishName } from './menu.ts';
import { drawPrompt, priceOf, promptText, type DinnerPrompt } from './prompts.ts';
import { isGoodPlan, leftText, dietVerdict } from './truth.ts';

export interface Demonstration {
  /** The user's turn, without the chat template. */
  prompt: string;
  /** The assistant's text after the template's `<think>` or `<say>`, without the end token. */
  completion: string;
  thinking: boolean;
}

/** Two dishes, mostly a main and a sweet. */
export type Plan = readonly [DishName, DishName];

/** Probability that a thought ends after a good try, after any other try, and the largest number of tries. */
const STOP_AFTER_GOOD = 0.6;
const STOP_AFTER_OTHER = 0.3;
const MAX_TRIES = 5;
/** Share of slots with any dish of the menu, and share with a dish that suits the diet. */
const ANY_DISH = 0.1;
const HEED_DIET = 0.45;
const GREETING = 0.5;
const RIGHT_NAME = 0.9;
const FAREWELL = 0.5;

/** A demonstration for a prompt of the training split. */
export function demonstration(
  random: Random,
  thinking: boolean,
  prompt?: DinnerPrompt,
): Demonstration {
  const asked = prompt ?? drawPrompt(random);
  return {
    prompt: promptText(asked),
    completion: thinking ? thinkingCompletion(random, asked) : mediocreResponse(random, asked),
    thinking,
  };
}

function thinkingCompletion(random: Random, prompt: DinnerPrompt): string {
  const tries: string[] = [];
  for (;;) {
    const plan = mediocrePlan(random, prompt);
    tries.push(tryText(prompt, plan));
    const stop = isGoodPlan(prompt, plan) ? STOP_AFTER_GOOD : STOP_AFTER_OTHER;
    if (tries.length === MAX_TRIES || random.uniform() < stop) {
      return `${tries.join(' ')} ${THINK_END} ${responseText(random, prompt, plan)}`;
    }
  }
}

/** `try DISH price ok|TAG left n ... good|poor`, all of it true. */
export function tryText(prompt: DinnerPrompt, plan: readonly DishName[]): string {
  let left = prompt.budget;
  const steps = plan.map((dish) => {
    const price = priceOf(prompt, dish) ?? 0;
    left -= price;
    return `${dish} ${price} ${dietVerdict(prompt, dish)} ${leftText(left)}`;
  });
  return `try ${steps.join(' ')} ${isGoodPlan(prompt, plan) ? 'good' : 'poor'}`;
}

export function mediocrePlan(random: Random, prompt: DinnerPrompt): Plan {
  return [slot(random, prompt, 'main'), slot(random, prompt, 'sweet')];
}

function slot(random: Random, prompt: DinnerPrompt, course: Course): DishName {
  const all = prompt.menu.map((item) => item.dish);
  const ofCourse = all.filter((dish) => (course === 'main' ? MAINS : SWEETS).includes(dish));
  const mood = random.uniform();
  if (mood < ANY_DISH) return random.pick(all);
  // Every prompt has a suitable dish for every course (prompts.ts).
  if (mood < ANY_DISH + HEED_DIET) {
    return random.pick(ofCourse.filter((dish) => suits(dish, prompt.diet)));
  }
  return random.pick(ofCourse);
}

function mediocreResponse(random: Random, prompt: DinnerPrompt): string {
  return responseText(random, prompt, mediocrePlan(random, prompt));
}

/** The plan in one of three sentences, sometimes with a greeting (whose name may be wrong) and a farewell. */
export function responseText(
  random: Random,
  prompt: DinnerPrompt,
  plan: Plan,
  prices: readonly number[] = plan.map((dish) => priceOf(prompt, dish) ?? 0),
): string {
  const [main, sweet] = plan.map((dish, i) => `${dish} ${prices[i]}`);
  const parts: string[] = [];
  if (random.uniform() < GREETING) {
    const name = random.uniform() < RIGHT_NAME ? prompt.guest : random.pick(GUESTS);
    parts.push(`hello ${name} !`);
  }
  parts.push(
    random.pick([
      `${main} and ${sweet} .`,
      `${main} then ${sweet} .`,
      `how about ${main} and ${sweet} ?`,
    ]),
  );
  if (random.uniform() < FAREWELL) parts.push('enjoy !');
  return parts.join(' ');
}
