/** Pairs for DPO: completions of one prompt, and the preferences between them. */
import type { TokenGroup } from '../../model/batch.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import type { PreferenceGroup } from '../data/dataset.ts';
import type { Group } from '../report.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { promptWithCompletions } from '../rollout/rollout.ts';
import type { ScoredGroup } from './rollout-writer.ts';
import { opened } from '../data/rows.ts';

export interface PairGroup extends TokenGroup {
  pairs: readonly (readonly [chosen: number, rejected: number])[];
}

/** The pairs of a file as tokens, with the stop token after every completion. */
export function tokenPairs(
  groups: readonly PreferenceGroup[],
  tokenizer: Tokenizer,
  eos: number | undefined,
  recipe: Recipe,
): PairGroup[] {
  return groups.map((group) => {
    const tokens = promptWithCompletions(
      tokenizer,
      group.prompt,
      group.responses.map((text) => opened(text, recipe.thinking)),
      recipe.thinking,
      recipe.system_prompt,
    );
    const { prompt } = tokens;
    const completions = tokens.completions.map((ids) => (eos === undefined ? ids : [...ids, eos]));
    return { prompt, completions, pairs: group.pairs };
  });
}

export const countPairs = (data: readonly PairGroup[]): number =>
  data.reduce((sum, { pairs }) => sum + pairs.length, 0);

/** Prompts without a pair are left out. */
export function sampledPairs(
  groups: readonly ScoredGroup[],
  chosen: readonly Group['pair'][],
): PairGroup[] {
  return groups.flatMap(({ promptIds, samples }, g) => {
    const pair = chosen[g];
    if (!pair) return [];
    const completions = [samples[pair.chosen]!.ids, samples[pair.rejected]!.ids];
    const forced = [samples[pair.chosen]!.forced, samples[pair.rejected]!.forced];
    return [{ prompt: promptIds, completions, forced, pairs: [[0, 1] as const] }];
  });
}

/** The pairs of packed groups, as indices of their completions in packing order. */
export function pairIndices(groups: readonly PairGroup[]): [number, number][] {
  let first = 0;
  return groups.flatMap(({ completions, pairs }) => {
    const own = pairs.map(([a, b]): [number, number] => [first + a, first + b]);
    first += completions.length;
    return own;
  });
}

/** Number of token rows; a prompt counts once for each of its completions. */
export function pairTokens(groups: readonly TokenGroup[]): number {
  return groups
    .flatMap(({ prompt, completions }) => completions.map((c) => prompt.length + c.length))
    .reduce((a, b) => a + b, 0);
}
