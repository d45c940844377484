/**
 * Traits of a thought in the dinner world, by rules. For real models the paper asks a judge to list
 * traits (RLMT, arXiv 2509.20357, sec. 5); here every word of a thought has a fixed meaning.
 */
import { isDish, isTag, words, type DishName } from '../world/menu.ts';
import { parsePrompt, totalPrice, type DinnerPrompt } from '../world/prompts.ts';
import { isGoodPlan } from '../world/truth.ts';

/** One `try` of a thought. */
interface Try {
  dishes: DishName[];
  /** Number of dishes with `ok`, or with the ingredient that does not suit the guest. */
  checkedDiets: number;
  says: Set<string>;
}

interface Trait {
  readonly name: string;
  /** One sentence for people. */
  readonly help: string;
  /** Larger if a thought shows the trait more; undefined if the trait cannot appear in it. */
  readonly of: (
    prompt: DinnerPrompt,
    tries: readonly Try[],
    answer: readonly DishName[],
  ) => number | undefined;
}

const mealTraits: readonly Trait[] = [
  { name: 'tries', help: 'Number of plans that it considers.', of: (_, tries) => tries.length },
  {
    name: 'checks_diet',
    help: 'Share of dishes that it checks against the diet.',
    of: (_, tries) =>
      share(
        tries.reduce((sum, one) => sum + one.checkedDiets, 0),
        tries.reduce((sum, one) => sum + one.dishes.length, 0),
      ),
  },
  {
    name: 'checks_budget',
    help: 'Share of plans for which it states the rest of the budget.',
    of: (_, tries) => shareOf(tries, ({ says }) => says.has('left') || says.has('over')),
  },
  {
    name: 'judges_plan',
    help: 'Share of plans that it calls good or poor.',
    of: (_, tries) => shareOf(tries, ({ says }) => says.has('good') || says.has('poor')),
  },
  {
    name: 'revises_poor',
    help: 'Share of poor plans after which it tries another.',
    of: (prompt, tries) => {
      const poor = tries.flatMap((one, i) => (isGoodPlan(prompt, one.dishes) ? [] : [i]));
      return shareOf(poor, (i) => i < tries.length - 1);
    },
  },
  {
    name: 'stops_after_good',
    help: 'Share of good plans after which it stops thinking.',
    of: (prompt, tries) => {
      const good = tries.flatMap((one, i) => (isGoodPlan(prompt, one.dishes) ? [i] : []));
      return shareOf(good, (i) => i === tries.length - 1);
    },
  },
  {
    name: 'repeats_itself',
    help: 'Share of plans that it had tried before.',
    of: (_, tries) => {
      const names = tries.map(({ dishes }) => [...dishes].sort().join(' '));
      return shareOf(names, (name, i) => names.indexOf(name) < i);
    },
  },
  {
    name: 'over_budget',
    help: 'Share of plans that cost more than the budget.',
    of: (prompt, tries) =>
      shareOf(tries, ({ dishes }) => totalPrice(prompt, dishes) > prompt.budget),
  },
  {
    name: 'admits_over_budget',
    help: 'Share of plans over the budget that it calls over the budget.',
    of: (prompt, tries) => {
      const over = tries.filter(({ dishes }) => totalPrice(prompt, dishes) > prompt.budget);
      return shareOf(over, ({ says }) => says.has('over'));
    },
  },
  {
    name: 'answers_a_tried_plan',
    help: 'Whether the answer is a plan of the thought.',
    of: (_, tries, answer) => (tries.some(({ dishes }) => same(dishes, answer)) ? 1 : 0),
  },
  {
    name: 'answers_a_good_plan',
    help: 'Whether the answer is a good plan of the thought, if it has one.',
    of: (prompt, tries, answer) => {
      const good = tries.filter(({ dishes }) => isGoodPlan(prompt, dishes));
      if (good.length === 0) return undefined;
      return good.some(({ dishes }) => same(dishes, answer)) ? 1 : 0;
    },
  },
];

/** What each trait is, in a sentence for people. */
export const MEAL_TRAIT_HELP: Readonly<Record<string, string>> = Object.fromEntries(
  mealTraits.map(({ name, help }) => [name, help]),
);

/** The traits of one thought by name; empty for prompts of other worlds. */
export function mealTraitValues(
  prompt: string,
  thought: string,
  response: string,
): Record<string, number> {
  const parsed = parsePrompt(prompt);
  if (!parsed) return {};
  const tries = readTries(thought);
  const answer = words(response).filter(isDish);
  return Object.fromEntries(
    mealTraits.flatMap(({ name, of }) => {
      const value = of(parsed, tries, answer);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function readTries(thought: string): Try[] {
  const tries: Try[] = [];
  let dishAwaitsVerdict = false;
  for (const word of words(thought)) {
    if (word === 'try') tries.push({ dishes: [], checkedDiets: 0, says: new Set() });
    const current = tries.at(-1);
    if (!current) continue;
    if (isDish(word)) {
      current.dishes.push(word);
      dishAwaitsVerdict = true;
    } else if ((word === 'ok' || isTag(word)) && dishAwaitsVerdict) {
      current.checkedDiets++;
      dishAwaitsVerdict = false;
    } else current.says.add(word);
  }
  return tries;
}

function same(a: readonly DishName[], b: readonly DishName[]): boolean {
  return a.length === b.length && a.every((dish, i) => dish === b[i]);
}

function shareOf<T>(
  items: readonly T[],
  holds: (item: T, i: number) => boolean,
): number | undefined {
  return share(items.filter(holds).length, items.length);
}

function share(part: number, total: number): number | undefined {
  return total > 0 ? part / total : undefined;
}
