/** Evaluation in the dinner world: prompts that training never draws, and the hidden utility. */
import { Random } from '../random.ts';
import type { GoldJudge } from '../rewards/reward.ts';
import { goldUtility } from './gold.ts';
import { drawPrompts, parsePrompt, promptText, type Split } from './prompts.ts';
import { thoughtTruth } from './truth.ts';

/** The hidden utility of a world, if `gold` names one. */
export function worldGold(gold: string): GoldJudge | undefined {
  return gold === 'meal-planner' ? mealPlannerGold : undefined;
}

/** Different prompts of the world that training never draws, with their gold judge. */
export function worldEvaluation(
  split: Exclude<Split, 'train'>,
  count: number,
  seed: number,
): { prompts: string[]; gold: GoldJudge } {
  const drawn = drawPrompts(new Random(seed, `evaluation on ${split}`), split, count);
  return { prompts: drawn.map(promptText), gold: mealPlannerGold };
}

const mealPlannerGold: GoldJudge = {
  // A prompt of another world rejects, as a reward that fails does.
  score: (texts) =>
    Promise.resolve().then(() =>
      texts.map(({ prompt, response }) => goldUtility(prompt, response).value),
    ),
  thoughtTruth: (prompt, thought) => {
    if (!parsePrompt(prompt)) return undefined;
    const { true: held, total } = thoughtTruth(prompt, thought);
    return total > 0 ? held / total : undefined;
  },
};
