/**
 * Text for a base model: what the world talks about, in the form it is talked about, and nobody doing
 * the task well. A thought is a few true statements about dishes of the menu; an answer names two dishes
 * of it. Which dishes, whether a try is called good or poor, and which guest is greeted are drawn
 * blindly: a plan is no likelier to suit or to fit the budget than chance has it, and no answer follows
 * from the thought before it. Now and then `</think>` is forgotten. So a base model knows the words, can
 * copy a price and subtract it, and mostly follows the format; what a good answer is, and that a thought
 * may lead to it, it has not seen.
 */
import type { Random } from '../random.ts';
import { GUESTS, MAX_NUMBER, THINK_END, type DishName } from './menu.ts';
import { drawPrompt, priceOf, promptText, type DinnerPrompt } from './prompts.ts';
import { responseText, type Demonstration } from './sft-data.ts';
import { leftText, verdict } from './truth.ts';

/** Of the texts with a thought, this share has no end of it. */
const NO_END = 0.2;
const MAX_TRIES = 3;
const MAX_STATEMENTS = 3;

/** A text of the split's prompts; its completion is what a base model learns to go on with. */
export function baseText(random: Random, thinking: boolean, prompt?: DinnerPrompt): Demonstration {
  const asked = prompt ?? drawPrompt(random);
  const tries = thinking ? 1 + random.below(MAX_TRIES) : 0;
  const thought = Array.from({ length: tries }, () => statements(random, asked));
  if (thinking && random.uniform() >= NO_END) thought.push(THINK_END);
  const completion = [...thought, answer(random, asked)].join(' ');
  return { prompt: promptText(asked), completion, thinking };
}

/** True about each dish; which dishes, and the word at the end, mean nothing. */
function statements(random: Random, prompt: DinnerPrompt): string {
  let left = prompt.budget;
  const count = 1 + random.below(MAX_STATEMENTS);
  const said = Array.from({ length: count }, () => {
    const { dish, price } = random.pick(prompt.menu);
    left = Math.max(-MAX_NUMBER, left - price);
    return `${dish} ${price} ${verdict(prompt, dish)} ${leftText(left)}`;
  });
  return ['try', ...said, random.pick(['good', 'poor'])].join(' ');
}

function answer(random: Random, prompt: DinnerPrompt): string {
  const [first, second] = [random.pick(prompt.menu).dish, random.pick(prompt.menu).dish];
  const plan: readonly [DishName, DishName] = [first, second];
  const prices = plan.map((dish) => priceOf(prompt, dish) ?? 0);
  return responseText(random, { ...prompt, guest: random.pick(GUESTS) }, plan, prices);
}
