/** The answers of a policy before and after training to one question, and what judges say of them. */
import { answer, checkWords, type Draft, type Judgement, type Question } from './answer.ts';
import type { Policies } from './pair-policies.ts';
import type { Side } from './policy-pair-service.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import type { JudgedText } from '../rl/rewards/reward.ts';

/** Settles when neither policy writes any more. `onDraft` is called every few tokens. */
export async function answerBoth(
  policies: Policies,
  recipe: Recipe,
  question: Question,
  judge: (texts: readonly JudgedText[]) => Promise<Judgement[]>,
  onDraft: (side: Side, draft: Draft) => void,
): Promise<void> {
  const sides = (['base', 'trained'] as const).filter((side) => policies[side]);
  for (const side of sides) checkWords(policies[side]!.tokenizer, question.prompt);
  // Also if one of them fails: whoever is next may free their models.
  const written = await Promise.allSettled(
    sides.map((side) => answer(policies[side]!, recipe, question, (draft) => onDraft(side, draft))),
  );
  const answers = written.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const texts = answers.map(({ response }) => ({
    prompt: question.prompt,
    response: response ?? '',
  }));
  const finish = (judgements: readonly Partial<Judgement>[]): void =>
    answers.forEach((draft, i) => onDraft(sides[i]!, { ...draft, done: true, ...judgements[i] }));
  const judgements = await judge(texts).catch((error: unknown) => {
    // A rule may need columns that only the rows of its data have; the answers are shown anyway.
    finish([]);
    throw error;
  });
  finish(judgements);
}
