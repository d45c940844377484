/** How often a judge prefers the response that was preferred in the data. */
import type { PreferenceGroup } from '../data/dataset.ts';
import { mean } from '../statistics.ts';
import { bootstrap, type Interval } from './intervals.ts';

export interface PairAccuracy extends Interval {
  pairs: number;
  prompts: number;
}

/**
 * The share of pairs in which the preferred response has the higher score (accuracy in RewardBench, Lambert
 * et al. 2024, arXiv 2403.13787, section 4); equal scores count half, as a guess would. The 95% interval is a
 * bootstrap over prompts, because the pairs of one prompt are alike.
 * @param scores of `groups[i].responses[j]` at `[i][j]`
 */
export function pairAccuracy(
  groups: readonly PreferenceGroup[],
  scores: readonly (readonly number[])[],
): PairAccuracy {
  const byPrompt = new Map<string, number[]>();
  groups.forEach(({ prompt, pairs }, i) => {
    const right = byPrompt.get(prompt) ?? [];
    byPrompt.set(prompt, right);
    for (const [preferred, other] of pairs) {
      right.push((Math.sign(scores[i]![preferred]! - scores[i]![other]!) + 1) / 2);
    }
  });
  const verdicts = [...byPrompt.values()];
  const share = (drawn: readonly number[]): number => mean(drawn.flatMap((i) => verdicts[i]!));
  return {
    ...bootstrap(verdicts.length, share),
    pairs: verdicts.flat().length,
    prompts: verdicts.length,
  };
}
