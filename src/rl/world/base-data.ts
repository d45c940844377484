/**
 * Text for a base model: it has the words and the format of the world, but nobody does the task well. A
 * thought is a few true statements about dishes of the menu, and an answer names two of its dishes. The
 * dishes, the verdict on a try (good or poor) and the name in a greeting are random: a plan suits the
 * guest and the budget no more often than by chance, and no answer depends on the thought before it.
 * Sometimes `</think>` is missing. So a base model knows the words, can copy and subtract a price, and
 * mostly follows the format. It has never seen a good answer, or a thought that leads to one.
 */
import type { Random } from '../random.ts';
import { GUESTS, MAX_NUMBER, THINK_END, type DishName } from './menu.ts';
import { drawPrompt, priceOf, promptText, type DinnerPrompt } from './prompts.ts';
import { responseText, type Demonstration } from './sft-data.ts';
import { leftText, dietVerdict } from './truth.ts';

/** Share of thoughts that have no end. */
const NO_END = 0.2;
const MAX_TRIES = 3;
const MAX_STATEMENTS = 3;

/** A text for a prompt of the training split, as prompt and completion. */
export function baseText(random: Random, thinking: boolean, prompt?: DinnerPrompt): Demonstration {
  const asked = prompt ?? drawPrompt(random);
  const tries = thinking ? 1 + random.below(MAX_TRIES) : 0;
  const thought = Array.from({ length: tries }, () => statements(random, asked));
  if (thinking && random.uniform() >= NO_END) thought.push(THINK_END);
  const completion = [...thought, answer(random, asked)].join(' ');
  return { prompt: promptText(asked), completion, thinking };
}

/** True statements about random dishes, with a random verdict at the end. */
function statements(random: Random, prompt: DinnerPrompt): string {
  let left = prompt.budget;
  const count = 1 + random.below(MAX_STATEMENTS);
  const said = Array.from({ length: count }, () => {
    const { dish, price } = random.pick(prompt.menu);
    left = Math.max(-MAX_NUMBER, left - price);
    return `${dish} ${price} ${dietVerdict(prompt, dish)} ${leftText(left)}`;
  });
  return ['try', ...said, random.pick(['good', 'poor'])].join(' ');
}

function answer(random: Random, prompt: DinnerPrompt): string {
  const [first, second] = [random.pick(prompt.menu).dish, random.pick(prompt.menu).dish];
  const plan: readonly [DishName, DishName] = [first, second];
  const prices = plan.map((dish) => priceOf(prompt, dish) ?? 0);
  return responseText(random, { ...prompt, guest: random.pick(GUESTS) }, plan, prices);
}
