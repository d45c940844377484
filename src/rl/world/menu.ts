/**
 * The dinner world: its dishes, guests and words. A guest with a diet and a budget wants one main and
 * one sweet from a short menu. The prices change with every prompt, so no fixed answer is always good.
 * A prompt never says what a dish contains; the models learn it.
 */

const TAGS = ['meat', 'milk', 'nuts', 'wheat'] as const;
export type Tag = (typeof TAGS)[number];

export type Course = 'main' | 'sweet';

interface Dish {
  readonly course: Course;
  readonly tags: readonly Tag[];
}

const DISH_TABLE = {
  ham: { course: 'main', tags: ['meat'] },
  burger: { course: 'main', tags: ['meat', 'wheat'] },
  pizza: { course: 'main', tags: ['milk', 'wheat'] },
  noodles: { course: 'main', tags: ['wheat'] },
  gratin: { course: 'main', tags: ['milk'] },
  satay: { course: 'main', tags: ['meat', 'nuts'] },
  korma: { course: 'main', tags: ['milk', 'nuts'] },
  beans: { course: 'main', tags: [] },
  cake: { course: 'sweet', tags: ['milk', 'wheat'] },
  tart: { course: 'sweet', tags: ['wheat', 'nuts'] },
  waffle: { course: 'sweet', tags: ['wheat'] },
  custard: { course: 'sweet', tags: ['milk'] },
  praline: { course: 'sweet', tags: ['nuts'] },
  // Because of gelatine, the only sweet that a vegetarian does not eat.
  jelly: { course: 'sweet', tags: ['meat'] },
  sorbet: { course: 'sweet', tags: [] },
  plums: { course: 'sweet', tags: [] },
} as const satisfies Record<string, Dish>;

export type DishName = keyof typeof DISH_TABLE;

export const DISHES: Readonly<Record<DishName, Dish>> = DISH_TABLE;
const DISH_NAMES = Object.keys(DISHES) as DishName[];
export const MAINS = DISH_NAMES.filter((name) => DISHES[name].course === 'main');
export const SWEETS = DISH_NAMES.filter((name) => DISHES[name].course === 'sweet');

/** Each diet forbids one tag. */
const DIET_TABLE = {
  veggie: 'meat',
  dairyfree: 'milk',
  nutfree: 'nuts',
  wheatfree: 'wheat',
} as const satisfies Record<string, Tag>;

export type Diet = keyof typeof DIET_TABLE;

export const DIETS: Readonly<Record<Diet, Tag>> = DIET_TABLE;
export const DIET_NAMES = Object.keys(DIETS) as Diet[];

export const GUESTS = ['ana', 'ben', 'cleo', 'dan', 'eva', 'finn'] as const;
export type Guest = (typeof GUESTS)[number];

export const MAINS_PER_MENU = 4;
export const SWEETS_PER_MENU = 3;
export const MAX_PRICE = 9;
export const MIN_BUDGET = 8;
/** Two dishes at the highest price; also the largest number in the vocabulary. */
export const MAX_NUMBER = 2 * MAX_PRICE;

export const PAD = '<pad>';
export const EOS = '<eos>';
export const UNK = '<unk>';
const THINK = '<think>';
export const THINK_END = '</think>';
/** Opens an answer without a thought. */
const SAY = '<say>';

export const SPECIAL_TOKENS = [PAD, EOS, UNK, THINK, THINK_END, SAY] as const;

const WORDS = [
  ...['menu', 'for', 'budget', 'try', 'ok', ...TAGS, 'left', 'over', 'good', 'poor'],
  ...['hello', '!', 'how', 'about', 'and', 'then', '?', '.', 'enjoy'],
];

/** Every token, in the order of its id. */
export const VOCABULARY: readonly string[] = [
  ...SPECIAL_TOKENS,
  ...WORDS,
  ...Array.from({ length: MAX_NUMBER + 1 }, (_, i) => String(i)),
  ...GUESTS,
  ...DIET_NAMES,
  ...DISH_NAMES,
];

export function isDish(word: string | undefined): word is DishName {
  return word !== undefined && Object.hasOwn(DISHES, word);
}

export function isGuest(word: string | undefined): word is Guest {
  return (GUESTS as readonly (string | undefined)[]).includes(word);
}

export function isDiet(word: string | undefined): word is Diet {
  return word !== undefined && Object.hasOwn(DIETS, word);
}

export function isTag(word: string | undefined): word is Tag {
  return (TAGS as readonly (string | undefined)[]).includes(word);
}

export function isNumber(word: string | undefined): word is string {
  return word !== undefined && /^\d+$/.test(word);
}

/** Whether a guest with this diet can eat the dish. */
export function suits(dish: DishName, diet: Diet): boolean {
  return !DISHES[dish].tags.includes(DIETS[diet]);
}

/** Words of a text; in this world all words are separated by white space. */
export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
