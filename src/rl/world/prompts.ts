/**
 * Prompts: a shuffled menu with random prices, a guest with a diet, and a budget that some suitable
 * pair of dishes meets exactly or with one coin left. For example
 *   menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15
 */
import type { Random } from '../random.ts';
import {
  DIET_NAMES,
  GUESTS,
  MAINS,
  MAINS_PER_MENU,
  MAX_NUMBER,
  MAX_PRICE,
  MIN_BUDGET,
  SWEETS,
  SWEETS_PER_MENU,
  isDiet,
  isDish,
  isGuest,
  suits,
  words,
  type Diet,
  type DishName,
  type Guest,
} from './menu.ts';

export interface Item {
  dish: DishName;
  price: number;
}

export interface DinnerPrompt {
  menu: Item[];
  guest: Guest;
  diet: Diet;
  budget: number;
}

export type Split = 'train' | 'dev' | 'held-out';

/** The share of budgets that are one coin above the sum of a suitable pair. */
const SLACK_SHARE = 0.3;
const SPLIT_BUCKETS = 16;

export function promptText(prompt: DinnerPrompt): string {
  const menu = prompt.menu.map(({ dish, price }) => `${dish} ${price}`).join(' ');
  return `menu ${menu} for ${prompt.guest} ${prompt.diet} budget ${prompt.budget}`;
}

/** The inverse of promptText; null for any other text. */
export function parsePrompt(text: string): DinnerPrompt | null {
  const list = words(text);
  if (list[0] !== 'menu') return null;
  const menu: Item[] = [];
  let at = 1;
  for (let dish = list[at]; isDish(dish); dish = list[at]) {
    menu.push({ dish, price: Number(list[at + 1]) });
    at += 2;
  }
  const [forWord, guest, diet, budgetWord, budget] = list.slice(at);
  if (forWord !== 'for' || !isGuest(guest) || !isDiet(diet) || budgetWord !== 'budget') return null;
  const parsed = { menu, guest, diet, budget: Number(budget) };
  return promptText(parsed) === list.join(' ') ? parsed : null;
}

/** The price of a dish, or null if it is not on the menu. */
export function priceOf(prompt: DinnerPrompt, dish: DishName): number | null {
  return prompt.menu.find((item) => item.dish === dish)?.price ?? null;
}

/** What dishes cost together; one that is not on the menu costs nothing. */
export function totalPrice(prompt: DinnerPrompt, dishes: readonly DishName[]): number {
  return dishes.reduce((sum, dish) => sum + (priceOf(prompt, dish) ?? 0), 0);
}

/**
 * The split depends only on the text (by FNV-1a), so a prompt is in the same split for every seed:
 * 1/16 held out, 1/16 for development, the rest for training.
 */
export function splitOf(text: string): Split {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The low bits of FNV-1a depend too much on the last characters, so the high bits are mixed in.
  const bucket = ((hash ^ (hash >>> 15)) >>> 0) % SPLIT_BUCKETS;
  return bucket === 0 ? 'held-out' : bucket === 1 ? 'dev' : 'train';
}

/** One prompt of the split. */
export function drawPrompt(random: Random, split: Split = 'train'): DinnerPrompt {
  for (;;) {
    const prompt = drawAny(random);
    if (prompt && splitOf(promptText(prompt)) === split) return prompt;
  }
}

/** `count` different prompts of the split. */
export function drawPrompts(random: Random, split: Split, count: number): DinnerPrompt[] {
  const byText = new Map<string, DinnerPrompt>();
  while (byText.size < count) {
    const prompt = drawPrompt(random, split);
    byText.set(promptText(prompt), prompt);
  }
  return [...byText.values()];
}

/** null if the menu has too few suitable pairs, or the budget is out of range. */
function drawAny(random: Random): DinnerPrompt | null {
  const mains = random.shuffle(MAINS).slice(0, MAINS_PER_MENU);
  const sweets = random.shuffle(SWEETS).slice(0, SWEETS_PER_MENU);
  const menu = random
    .shuffle([...mains, ...sweets])
    .map((dish) => ({ dish, price: 1 + random.below(MAX_PRICE) }));
  const diet = random.pick(DIET_NAMES);
  const guest = random.pick(GUESTS);
  const suitable = menu.filter(({ dish }) => suits(dish, diet));
  const sums = suitable
    .filter(({ dish }) => MAINS.includes(dish))
    .flatMap((main) =>
      suitable.filter(({ dish }) => SWEETS.includes(dish)).map((sweet) => main.price + sweet.price),
    );
  // With only one suitable pair, the diet alone would decide the answer.
  if (sums.length < 2) return null;
  const budget = random.pick(sums) + (random.uniform() < SLACK_SHARE ? 1 : 0);
  if (budget < MIN_BUDGET || budget > MAX_NUMBER) return null;
  return { menu, guest, diet, budget };
}
