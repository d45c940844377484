/**
 * How thoughts change: traits of the thoughts before and after training on the same prompts, with
 * head-to-head win rates, as the paper compares them (RLMT, arXiv 2509.20357, sec. 5). The paper's
 * judge lists traits freely and merges the lists. Here the traits are fixed: rules in the dinner world,
 * and for other prompts a prompted judge's log-odds of "yes" to one question per trait.
 */
import { mean } from '../statistics.ts';
import type { Evaluated } from './evaluate.ts';
import type { PromptedJudge } from '../rewards/prompted-judge.ts';
import { hierarchicalBootstrap, type Interval } from './intervals.ts';
import { mealTraitValues } from './meal-traits.ts';
import { verdict } from './win-rate.ts';

/** Traits of one thought by name; a trait that cannot appear in it is absent. */
export type TraitValues = Readonly<Record<string, number>>;

export interface TraitChange {
  trait: string;
  /** Means over the thoughts that have the trait. */
  before: number;
  after: number;
  /** Number of prompts on which both thoughts have it. */
  prompts: number;
  /** How often the thought after training has more of it; ties count half. Absent without such prompts. */
  winRate?: Interval;
}

/** Both lists are for the same prompts in the same order. */
export function traitChanges(
  before: readonly TraitValues[],
  after: readonly TraitValues[],
): TraitChange[] {
  if (before.length !== after.length) throw new RangeError('traits compare the same prompts');
  const names = [...new Set([...before, ...after].flatMap((values) => Object.keys(values)))];
  return names.map((trait) => {
    const all = (rows: readonly TraitValues[]): number[] => rows.flatMap((row) => row[trait] ?? []);
    const verdicts = after.flatMap((row, i) => {
      const [own, other] = [row[trait], before[i]![trait]];
      return own === undefined || other === undefined ? [] : [verdict(own, other)];
    });
    return {
      trait,
      before: mean(all(before)),
      after: mean(all(after)),
      prompts: verdicts.length,
      ...(verdicts.length > 0 && { winRate: hierarchicalBootstrap([verdicts]) }),
    };
  });
}

/** Traits by rules, for prompts of the dinner world. */
export function ruleTraits(rows: readonly Evaluated[]): TraitValues[] {
  return rows.map(({ prompt, thought, response }) =>
    thought === null ? {} : mealTraitValues(prompt, thought, response),
  );
}

/** Questions to a prompted judge about a thought, on the traits that changed in the paper. */
export const JUDGED_TRAITS: Readonly<Record<string, string>> = {
  lists_constraints: 'Does this plan list the constraints that the answer has to meet?',
  groups_ideas: 'Does this plan group related ideas into themes?',
  cross_checks: 'Does this plan check or revise what it wrote earlier?',
  hierarchical_checklist: 'Is this plan a checklist with sections and sub-points?',
  considers_reader: 'Does this plan consider who will read the answer?',
  weighs_alternatives: 'Does this plan weigh several alternatives before it decides?',
};

/** Log-odds of "yes", in nats, for every trait of every thought. */
export async function judgedTraits(
  judge: Pick<PromptedJudge, 'ask'>,
  rows: readonly Evaluated[],
): Promise<TraitValues[]> {
  const values: Record<string, number>[] = rows.map(() => ({}));
  const thoughts = rows.flatMap(({ prompt, thought }, i) =>
    thought === null ? [] : [{ i, text: `Request:\n${prompt}\n\nPlan:\n${thought}` }],
  );
  for (const [trait, question] of Object.entries(JUDGED_TRAITS)) {
    const odds = await judge.ask(
      thoughts.map(({ text }) => `${text}\n\n${question} Answer Yes or No.`),
    );
    thoughts.forEach(({ i }, k) => (values[i]![trait] = odds[k]!));
  }
  return values;
}
