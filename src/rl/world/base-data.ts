/**
 * Text for a base model: everything the world talks about, and nobody doing the task well. A text is
 * a few pieces in any order: statements about dishes of the menu, answers that name two of them, loose
 * words. Verdicts, names and pairs are drawn blindly: a plan is no likelier to suit or to fit the budget
 * than chance has it, no answer follows from what stands before it, and `</think>` stands between pieces
 * now and then. So a base model knows the words, can copy a price and subtract it, and follows the
 * format some of the time; what a good answer is, and that a thought may lead to it, it has not seen.
 */
import type { Random } from '../random.ts';
import { DISH_NAMES, GUESTS, MAX_NUMBER, THINK_END, type DishName } from './menu.ts';
import { drawPrompt, priceOf, promptText, type DinnerPrompt } from './prompts.ts';
import { responseText, type Demonstration } from './sft-data.ts';
import { leftText, verdict } from './truth.ts';

/** How likely a piece is followed by the end of a thought. */
const TAG = 0.25;
/** Most pieces of a text after `<think>`, and after `<say>`. */
const MAX_PIECES = { thinking: 4, saying: 2 } as const;
const MAX_STATEMENTS = 3;
const MAX_LOOSE_WORDS = 6;

const LOOSE_WORDS = [
  ...DISH_NAMES,
  ...GUESTS,
  ...['try', 'ok', 'good', 'poor', 'left', 'over', 'hello', 'how', 'about', 'and', 'then'],
  ...['budget', 'menu', 'for', 'enjoy', '!', '.', '?'],
  ...Array.from({ length: MAX_NUMBER + 1 }, (_, i) => String(i)),
];

/** A text of the split's prompts; its completion is what a base model learns to go on with. */
export function baseText(random: Random, thinking: boolean, prompt?: DinnerPrompt): Demonstration {
  const asked = prompt ?? drawPrompt(random);
  const most = thinking ? MAX_PIECES.thinking : MAX_PIECES.saying;
  const parts: string[] = [];
  for (let left = 1 + random.below(most); left > 0; left--) {
    parts.push(random.pick(PIECES)(random, asked));
    if (thinking && random.uniform() < TAG) parts.push(THINK_END);
  }
  return { prompt: promptText(asked), completion: parts.join(' '), thinking };
}

/** As often as they stand here. Without many that copy from the menu, copying is not learnt. */
const PIECES = [statements, statements, answer, answer, answer, looseWords];

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

function looseWords(random: Random): string {
  const count = 1 + random.below(MAX_LOOSE_WORDS);
  return Array.from({ length: count }, () => random.pick(LOOSE_WORDS)).join(' ');
}
